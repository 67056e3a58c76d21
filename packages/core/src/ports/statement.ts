/** What a statement may be given. Times become ISO text, lists the text of a PostgreSQL array; each stands with its cast: `${at}::text::timestamptz`. Of lists it is the list's own, `${ids}::uuid[]`: `::text::uuid[]` is read anew for each row it is compared with. */
export type StatementValue = string | number | boolean | null | Date | readonly string[]

// Known to this module alone; declared before the class, whose static block fills it.
let make: (text: string, values: readonly StatementValue[]) => FixedStatement

/**
 * One SQL statement of a feature: a text that is fixed in the source, and values that can only ever be parameters. There is no way
 * from a string to a statement but the tag {@link statement}, so that nothing a caller sends becomes SQL.
 */
export class FixedStatement {
  readonly text: string
  readonly parameters: readonly Exclude<StatementValue, Date>[]

  private constructor(text: string, parameters: FixedStatement['parameters']) {
    this.text = text
    this.parameters = parameters
  }

  static {
    make = (text, values) =>
      new FixedStatement(
        text,
        values.map((value) => (value instanceof Date ? value.toISOString() : value)),
      )
  }
}

/** One text per place in the source: the same string each time, so that it is prepared once. */
const texts = new WeakMap<TemplateStringsArray, string>()

/**
 * A statement with its values in place: `` statement`select … where token_hash = ${hash}::text` ``. Each value becomes a parameter
 * and needs a cast beside it, since PostgreSQL is told no types.
 */
export function statement(parts: TemplateStringsArray, ...values: readonly StatementValue[]): FixedStatement {
  // A look-alike of a template could hold a text made at run time; a real one is frozen and has `raw`.
  if (!Object.isFrozen(parts) || !Array.isArray(parts.raw)) throw new TypeError('statement`…` is a tag, not a function')
  let text = texts.get(parts)
  if (text === undefined) {
    text = parts.reduce((before, part, index) => `${before}$${index}${part}`)
    texts.set(parts, text)
  }
  return make(text, values)
}
