/*
 * What names of tables a statement of a drizzle-kit folder speaks of. No parser of SQL: drizzle-kit writes few forms, and of SQL
 * that people add it is enough to know which tables stand behind the words that tables stand behind.
 */

/** A name where it stands in a statement. */
export interface PlacedName {
  /** Undefined where it is not qualified. */
  readonly schema: string | undefined
  readonly name: string
  /** Where the name begins, schema included. */
  readonly at: number
  /** Where its last part begins. */
  readonly nameAt: number
}

const NAME = String.raw`(?:"(?:[^"]|"")+"|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*)`
const QUALIFIED = String.raw`(?:(?<schema>${NAME})\s*\.\s*)?(?<name>${NAME})`
const pattern = (text: string): RegExp => new RegExp(text.replaceAll('QUALIFIED', QUALIFIED), 'idu')

const tableHeads = [
  String.raw`^\s*(?:create\s+(?:unlogged\s+)?table(?:\s+if\s+not\s+exists)?|(?:alter|drop)\s+table(?:\s+if\s+exists)?(?:\s+only)?)\s+QUALIFIED`,
  String.raw`^\s*create\s+(?:unique\s+)?index(?:\s+concurrently)?(?:\s+if\s+not\s+exists)?(?:\s+(?<made>${NAME}))?\s+on(?:\s+only)?\s+QUALIFIED`,
  String.raw`^\s*(?:create|alter|drop)\s+policy(?:\s+if\s+exists)?\s+(?<policy>${NAME})\s+on\s+QUALIFIED`,
  String.raw`^\s*(?:create|drop)\s+(?:or\s+replace\s+)?(?:constraint\s+)?trigger\s[\s\S]*?\son\s+QUALIFIED`,
  String.raw`^\s*comment\s+on\s+table\s+QUALIFIED`,
].map(pattern)
const typeHead = pattern(String.raw`^\s*(?<verb>create|alter|drop)\s+type(?:\s+if\s+exists)?\s+QUALIFIED`)
const madeHead = pattern(
  String.raw`^\s*create\s+(?:or\s+replace\s+)?(?:materialized\s+)?(?:view|function|procedure|sequence)(?:\s+if\s+not\s+exists)?\s+QUALIFIED`,
)
const renamed = new RegExp(String.raw`\srename\s+to\s+(?<name>${NAME})\s*;?\s*$`, 'iu')
const mentioned = new RegExp(
  String.raw`\b(?:from|join|into|update|table|only|on|references|view|index|sequence|function|procedure|exists|truncate|using)\s+${QUALIFIED}`,
  'gidu',
)
const inPublic = new RegExp(String.raw`(?<schema>"public"|\bpublic)\s*\.\s*(?<name>${NAME})`, 'gidu')

/** The same text without comments and constants, each letter in its place. What stands between dollars is code and stays. */
export function codeOf(statement: string): string {
  return statement.replaceAll(hidden, (token) => (token.startsWith('"') ? token : token.replaceAll(/[^\n]/g, ' ')))
}
const hidden = /--[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/|\b[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"/g

/** The table that a statement makes, changes, drops, or adds an index, policy or trigger to. */
export function tableOfStatement(
  code: string,
): (PlacedName & { readonly policy: string | undefined; readonly made: string | undefined }) | undefined {
  for (const head of tableHeads) {
    const found = head.exec(code)
    if (!found) continue
    const { policy, made } = found.groups!
    return { ...placed(found), policy: policy && plain(policy), made: made && plain(made) }
  }
  return undefined
}

export function typeOfStatement(
  code: string,
): (PlacedName & { readonly verb: 'create' | 'alter' | 'drop' }) | undefined {
  const found = typeHead.exec(code)
  return found ? { ...placed(found), verb: found.groups!['verb']!.toLowerCase() as 'create' } : undefined
}

/** The view, function or sequence that a statement makes. */
export function madeByStatement(code: string): PlacedName | undefined {
  const found = madeHead.exec(code)
  return found ? placed(found) : undefined
}

export function changesRows(code: string): boolean {
  return /^\s*(?:with|insert|update|delete|merge|truncate)\b/i.test(code)
}

/** What an ALTER TABLE or ALTER TYPE calls its object from now on. */
export function newNameOf(code: string): string | undefined {
  const name = renamed.exec(code)?.groups?.['name']
  return name === undefined ? undefined : plain(name)
}

/** Names behind FROM, INTO, UPDATE, REFERENCES … */
export function mentionsOf(code: string): readonly PlacedName[] {
  return [...code.matchAll(mentioned)].map(placed)
}

/** Every name that is said to lie in `public`. */
export function publicNames(code: string): readonly PlacedName[] {
  return [...code.matchAll(inPublic)].map(placed)
}

function placed(found: RegExpMatchArray): PlacedName {
  const { schema, name } = found.groups!
  const [nameAt] = found.indices!.groups!['name']!
  const at = found.indices!.groups!['schema']?.[0] ?? nameAt
  return { schema: schema === undefined ? undefined : plain(schema), name: plain(name!), at, nameAt }
}

/** As PostgreSQL stores it: what is not quoted is folded. */
function plain(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase()
}
