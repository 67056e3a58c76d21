import { problem, type GoingTable, type Platform, type PortableTable, type ResourceInfo } from '@plinth/core'
import { getTableConfig } from 'drizzle-orm/pg-core'

/** A table whose rows go along, and what is said of it. */
export interface TravellingTable {
  readonly table: PortableTable
  readonly travel: GoingTable
  /** Names of the columns that go along, in their order. */
  readonly columns: readonly string[]
  /** Of these, those that nobody reads back: they go under a passphrase alone. */
  readonly secret: ReadonlySet<string>
  /** Those of the product that code alone sees. */
  readonly hidden: ReadonlySet<string>
}

/**
 * The tables that go along, each after those that it refers to.
 * @throws not_ready naming every table of tenants that does not say whether it goes along
 */
export function travellingTables(
  { registry }: Pick<Platform, 'registry'>,
  tables: readonly PortableTable[],
): readonly TravellingTable[] {
  const silent = tables.filter(({ name }) => !registry.travels.has(name)).map(({ name }) => name)
  if (silent.length > 0)
    throw problem('not_ready', {
      detail: `${silent.join(', ')} ${silent.length === 1 ? 'holds' : 'hold'} rows of tenants, and no feature says whether they go along. Say it where the table is declared: travels: { '${silent[0]!}': {} }, or { stays: 'why' }.`,
    })
  const going = tables.flatMap((table): TravellingTable[] => {
    const travel = registry.travels.get(table.name)!
    if (travel.stays !== undefined) return []
    // Of tables of features it is `leaves` that says what does not go along.
    const resource = registry.resources.find((one) => one.origin === 'product' && nameOf(one) === table.name)
    const namesOf = (fact: 'secret' | 'hidden'): ReadonlySet<string> =>
      new Set(resource?.fields.filter((field) => field[fact]).map((field) => field.sqlName))
    const columns = table.columns.map(({ name }) => name).filter((name) => !travel.leaves?.includes(name))
    return [{ table, travel, columns, secret: namesOf('secret'), hidden: namesOf('hidden') }]
  })
  return inOrder(going)
}

function nameOf({ drizzle, sqlName }: ResourceInfo): string {
  const { schema } = getTableConfig(drizzle)
  return schema === undefined ? sqlName : `${schema}.${sqlName}`
}

/** By name; what others refer to before them, as far as there is no circle. */
function inOrder(going: readonly TravellingTable[]): readonly TravellingTable[] {
  const done = new Set<string>()
  const waiting = [...going]
  const ordered: TravellingTable[] = []
  const isAhead = (name: string): boolean => waiting.some(({ table }) => table.name === name)
  while (waiting.length > 0) {
    const free = waiting.findIndex(({ table }) =>
      table.references.every((to) => to.table === table.name || done.has(to.table) || !isAhead(to.table)),
    )
    // A circle is entered by its first table; its columns that point ahead are filled when all rows are there.
    const [next] = waiting.splice(Math.max(free, 0), 1)
    done.add(next!.table.name)
    ordered.push(next!)
  }
  return ordered
}
