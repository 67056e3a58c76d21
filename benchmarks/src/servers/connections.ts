import postgres from 'postgres'

const CONNECTIONS = 10

/** Ten connections to PostgreSQL, as every server here has. */
export interface Connections {
  /** Each in its turn. */
  next(): postgres.Sql
  readonly all: readonly postgres.Sql[]
  end(): Promise<void>
}

/**
 * Ten clients of one connection, not one client of ten. The pool of postgres.js 3.4.9 gets slower as long as it is never
 * idle: its queues keep a hole for everything that ever left them and search through the holes (after 200,000 requests a
 * read cost twice the CPU). A floor must not sink while it is measured, and a peer is measured at its best.
 */
export function connect(
  url: string,
  options: postgres.Options<Record<string, postgres.PostgresType>> = {},
): Connections {
  const all = Array.from({ length: CONNECTIONS }, () => postgres(url, { ...options, max: 1 }))
  let turn = 0
  return {
    all,
    next: () => all[(turn = (turn + 1) % CONNECTIONS)]!,
    async end() {
      await Promise.all(all.map((client) => client.end({ timeout: 2 })))
    },
  }
}

/** Leaves times, jsonb and numeric the text that PostgreSQL printed. */
export const unparsed = {
  connection: { TimeZone: 'UTC' },
  types: { date: text([1184, 1114, 1082]), json: text([3802, 114]) },
}

function text(from: number[]): postgres.PostgresType<string> {
  return { to: from[0]!, from, serialize: String, parse: String }
}
