/**
 * Splits SQL of migrations at its semicolons, so that each statement runs alone: an error then names the statement, and the
 * driver never uses the simple protocol, which runs whatever is behind a semicolon. Knows strings, quoted names, dollar
 * quotes, nested comments and bodies between BEGIN ATOMIC and END.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = []
  let start = 0
  let depth = 0
  for (const { 0: token, index } of sql.matchAll(tokens)) {
    const word = token.toLowerCase()
    if (word.startsWith('begin') || (depth > 0 && word === 'case')) depth++
    else if (depth > 0 && word === 'end') depth--
    else if (token === ';' && depth === 0) {
      statements.push(sql.slice(start, index))
      start = index + 1
    }
  }
  statements.push(sql.slice(start))
  return statements.map((statement) => statement.trim()).filter((statement) => withoutComments(statement) !== '')
}

/** The first line that says something, for messages. */
export function firstLine(statement: string): string {
  const [line = ''] = withoutComments(statement).split('\n')
  return line.length > 100 ? `${line.slice(0, 100)}…` : line
}

/** What it says to PostgreSQL. */
export function withoutComments(statement: string): string {
  return statement.replaceAll(tokens, (token) => (/^(--|\/\*)/.test(token) ? '' : token)).trim()
}

const tokens = new RegExp(
  [
    String.raw`--[^\n]*`,
    String.raw`\/\*(?:[^*/]|\*(?!\/)|\/(?!\*)|\/\*(?:[^*]|\*(?!\/))*\*\/)*\*\/`, // one level of nesting
    String.raw`\b[eE]'(?:[^'\\]|''|\\.)*'`,
    String.raw`'(?:[^']|'')*'`,
    String.raw`"(?:[^"]|"")*"`,
    String.raw`(?<![\w$])\$([a-zA-Z_]\w*)?\$[\s\S]*?\$\1\$`,
    String.raw`\bbegin\s+atomic\b`,
    String.raw`\b(?:case|end)\b`,
    ';',
  ].join('|'),
  'gi',
)
