/**
 * Whether two SQL expressions are surely the same but for how they are written: spaces, case of keywords, quotes around plain
 * names, outer parentheses, a cast behind a literal, `in` for `= ANY`. False means "not sure": PostgreSQL is then asked to
 * print the declared one itself (see `ask-postgres.ts`), for it rewrites expressions (`between` becomes two comparisons).
 */
export function sameExpression(left: string, right: string): boolean {
  return plain(left) === plain(right)
}

const literalOrName = /E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"/g

function plain(expression: string): string {
  let text = ''
  let at = 0
  for (const { 0: token, index } of expression.matchAll(literalOrName)) {
    text += squeezed(expression.slice(at, index))
    text += plainToken(token)
    at = index + token.length
  }
  text += squeezed(expression.slice(at))
  text = text.replaceAll(/('(?:[^']|'')*')::[a-z_."]+(?:\(\d+(?:,\d+)?\))?(?:\[\])?/g, '$1')
  // PostgreSQL's form of `in ('a', 'b')`.
  text = text.replaceAll(/=any\(array\[([^\]]*)\]\)/g, 'in($1)')
  while (isWrapped(text)) text = text.slice(1, -1)
  // PostgreSQL prints a negative number as '-1'::integer.
  return text.replace(/^'(-?[\d.]+)'$/, '$1')
}

function plainToken(token: string): string {
  if (/^"[a-z_][a-z0-9_]*"$/.test(token)) return token.slice(1, -1)
  // The other way to write a backslash, where the literal has no other escape.
  if (/^E'(?:[^\\]|\\\\)*'$/i.test(token)) return token.slice(1).replaceAll('\\\\', '\\')
  return token
}

function squeezed(part: string): string {
  return part.replaceAll(/\s+/g, '').toLowerCase()
}

/** Whether the first parenthesis closes at the very end. */
function isWrapped(text: string): boolean {
  if (!text.startsWith('(') || !text.endsWith(')')) return false
  let depth = 0
  for (const { 0: token, index } of text.matchAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]/g)) {
    if (token === '(') depth++
    if (token === ')' && --depth === 0) return index === text.length - 1
  }
  return false
}
