import type { StartupFault } from '@plinth/core'
import type { DeclaredTable } from './declared-table.ts'

const longest = 63

interface Placed {
  readonly table: DeclaredTable
  /** Where it was declared, for messages. */
  readonly path: string
}

/**
 * PostgreSQL cuts names at 63 bytes in silence, so that two long ones become one. Tables and indexes share one space of names
 * in a schema, constraints one in their table.
 */
export function verifyIdentifiers(tables: readonly Placed[], faults: StartupFault[]): void {
  const relations = new Map<string, string>()
  for (const { table, path } of tables) {
    const claim = (space: Map<string, string>, name: string, what: string): void => {
      if (Buffer.byteLength(name) > longest) {
        faults.push({
          path,
          problem: `${what} ${name} has more than ${longest} bytes; PostgreSQL would cut it`,
          fix: 'give it a shorter name',
        })
      }
      const key = `${table.schema}.${name}`
      const taken = space.get(key)
      if (taken !== undefined)
        faults.push({ path, problem: `${what} ${name} has the name of ${taken}`, fix: 'give one of them another name' })
      else space.set(key, `${what} of ${table.name}`)
    }
    claim(relations, table.name, 'table')
    for (const column of table.columns) claim(new Map(), column.name, 'column')
    for (const key of [table.primaryKey, ...table.uniques]) if (key) claim(relations, key.name, 'key')
    for (const index of table.indexes) claim(relations, index.name, 'index')
    const constraints = new Map<string, string>()
    for (const key of [table.primaryKey, ...table.uniques])
      if (key) constraints.set(`${table.schema}.${key.name}`, `key of ${table.name}`)
    for (const key of table.foreignKeys) claim(constraints, key.name, 'foreign key')
    for (const check of table.checks) claim(constraints, check.name, 'check')
  }
}
