/** What a statement may be given. Times become ISO text, lists the text of a PostgreSQL array; each stands with its cast: `${at}::text::timestamptz`. Of lists it is the list's own, `${ids}::uuid[]`: `::text::uuid[]` is read anew for each row it is compared with. */
export type StatementValue = string | number | boolean | null | Date | readonly string[]

// Known to this module alone; declared before the class, whose static block fills it.
let make: (pieces: readonly string[], text: string, values: readonly StatementValue[]) => FixedStatement
let piecesOf: (part: FixedStatement) => readonly string[]

/**
 * One SQL statement of a feature: a text that is fixed in the source, and values that can only ever be parameters. There is no way
 * from a string to a statement but the tag {@link statement}, so that nothing a caller sends becomes SQL.
 */
export class FixedStatement {
  readonly text: string
  readonly parameters: readonly Exclude<StatementValue, Date>[]
  /** The text around the parameters. */
  readonly #pieces: readonly string[]

  private constructor(pieces: readonly string[], text: string, parameters: FixedStatement['parameters']) {
    this.#pieces = pieces
    this.text = text
    this.parameters = parameters
  }

  static {
    piecesOf = (part) => part.#pieces
    make = (pieces, text, values) =>
      new FixedStatement(
        pieces,
        text,
        values.map((value) => (value instanceof Date ? value.toISOString() : value)),
      )
  }
}

/** One text per place in the source: the same string each time, so that it is prepared once. */
const texts = new WeakMap<TemplateStringsArray, string>()

/**
 * A statement with its values in place: `` statement`select … where token_hash = ${hash}::text` ``. Each value becomes a parameter
 * and needs a cast beside it, since PostgreSQL is told no types. A statement in its place is a part of the text, with the parameters that it
 * has: what several statements have in common is written once, and the whole is made of texts of the source alone, as each part is.
 */
export function statement(
  parts: TemplateStringsArray,
  ...values: readonly (StatementValue | FixedStatement)[]
): FixedStatement {
  // A look-alike of a template could hold a text made at run time; a real one is frozen and has `raw`.
  if (!Object.isFrozen(parts) || !Array.isArray(parts.raw)) throw new TypeError('statement`…` is a tag, not a function')
  if (!isPlain(values)) return composed(parts, values)
  let text = texts.get(parts)
  if (text === undefined) texts.set(parts, (text = numbered(parts)))
  return make(parts, text, values)
}

function isPlain(values: readonly (StatementValue | FixedStatement)[]): values is readonly StatementValue[] {
  return !values.some((value) => value instanceof FixedStatement)
}

function composed(parts: TemplateStringsArray, values: readonly (StatementValue | FixedStatement)[]): FixedStatement {
  const pieces = [parts[0] ?? '']
  const parameters: StatementValue[] = []
  // Onto the last piece what has no parameter before it, behind it what has.
  const append = ([first = '', ...others]: readonly string[]): void => {
    pieces.push(`${pieces.pop() ?? ''}${first}`, ...others)
  }
  values.forEach((value, index) => {
    const behind = parts[index + 1] ?? ''
    if (value instanceof FixedStatement) {
      append(piecesOf(value))
      append([behind])
      parameters.push(...value.parameters)
    } else {
      pieces.push(behind)
      parameters.push(value)
    }
  })
  return make(pieces, numbered(pieces), parameters)
}

function numbered(pieces: readonly string[]): string {
  return pieces.reduce((before, piece, index) => `${before}$${index}${piece}`)
}
