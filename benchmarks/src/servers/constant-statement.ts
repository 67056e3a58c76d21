import type { Connections } from './connections.ts'

export type Value = string | number | null

/** A prepared statement of constant text. */
export function constantStatement<Row>(
  connections: Connections,
  text: string,
): (values: readonly Value[]) => Promise<readonly Row[]> {
  return async (values) => {
    // A tagged template would do the same, with the list of columns written out in each of a dozen statements.
    // oxlint-disable-next-line eslint/no-restricted-properties
    const rows: unknown = await connections.next().unsafe(text, [...values], { prepare: true })
    return rows as readonly Row[]
  }
}
