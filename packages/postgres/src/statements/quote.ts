/** A name as PostgreSQL takes it literally: `created_at` → `"created_at"`. Names come from declarations, never from a request. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * A text constant. Only for texts of our own code and of policies written in code (CREATE POLICY takes no parameters);
 * everything of a request is a parameter. A backslash gets the E'' form, as quote_literal does, so that the text means the
 * same where an old database runs with standard_conforming_strings off.
 */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/**
 * The text form of an array, `{"a","b",NULL}`. One parameter holds all values of an `in`: with one placeholder per value
 * every length would be a statement of its own, and a prepared statement costs 26 KB in each backend.
 */
export function arrayLiteral(values: readonly (string | null)[]): string {
  let text = '{'
  for (const value of values) {
    if (text.length > 1) text += ','
    text += value === null ? 'NULL' : quotedElement(value)
  }
  return `${text}}`
}

// Always in quotes: bare, the text `NULL`, an empty text, spaces and braces would all mean something else.
function quotedElement(value: string): string {
  return `"${needsEscape.test(value) ? value.replaceAll(/["\\]/g, '\\$&') : value}"`
}

const needsEscape = /["\\]/
