import type { PortableTable } from '@plinth/core'
import { archiveInvalid, USERS, type Section } from './format.ts'
import type { TravellingTable } from './travelling-tables.ts'

/** Columns that hold users in every table of tenants, beside foreign keys. */
const OWNER = 'owner_user_id'
const MEMBERS = 'plinth.memberships'

/** A table of an archive in its place on this platform: which columns are written when, and which are more than text. */
export interface PlacedSection {
  readonly going: TravellingTable
  readonly table: PortableTable
  /** Names of the archive's columns, in its order. */
  readonly columns: readonly string[]
  /** Their types on this platform. */
  readonly types: readonly string[]
  /** Those that are written when the row arrives, by their place in the archive. */
  readonly first: readonly number[]
  /** Those that are written when all rows are there, because they point ahead or a trigger changes them; the key comes first. */
  readonly later: readonly number[]
  readonly key: readonly number[]
  /** Ids of users: somebody of the archive, or (`may`) whoever it was. */
  readonly users: ReadonlyMap<number, 'must' | 'may'>
  readonly identity: readonly number[]
}

/**
 * Nothing of an archive gets into a statement: its names are looked up among what this platform has, and what is not there is refused.
 * @param here tables whose rows have arrived
 * @throws archive_invalid with what to do
 */
export function placeSection(
  section: Section,
  going: readonly TravellingTable[],
  here: ReadonlySet<string>,
): PlacedSection {
  const found = going.find(({ table }) => table.name === section.table)
  if (!found)
    throw archiveInvalid(
      `The archive has rows of ${section.table}, which this platform does not take: it has no such table, or one that stays where it is. Bring the resource or the feature of that table, or import where it is.`,
    )
  const { table, travel } = found
  const columns = section.columns.map(([name]) => name)
  for (const name of columns) {
    if (found.columns.includes(name)) continue
    const why = table.columns.some((column) => column.name === name)
      ? 'which stays where it is'
      : 'which is not here: migrate this platform to the version that the archive was made by'
    throw archiveInvalid(`The archive has the column ${section.table}.${name}, ${why}.`)
  }
  const at = (name: string): number => columns.indexOf(name)
  const deferred = new Set(travel.settles?.filter((name) => columns.includes(name)))
  for (const reference of table.references) {
    if (
      here.has(reference.table) ||
      reference.table === USERS ||
      !going.some((one) => one.table.name === reference.table)
    )
      continue
    // It points at rows that come later: empty at first, unless one of its columns has to be there from the start.
    const free = reference.columns.filter((name) => !table.columns.find((column) => column.name === name)?.notNull)
    if (free.length > 0) deferred.add(free[0]!)
    else if (reference.table !== table.name)
      throw archiveInvalid(`${section.table} stands before ${reference.table}, to which it refers.`)
  }
  refuseMissing(found, columns)
  const later = columns.flatMap((name, place) => (deferred.has(name) ? [place] : []))
  const key = table.key.map(at)
  if (later.length > 0 && key.includes(-1))
    throw archiveInvalid(`The archive lacks the key of ${section.table}: ${table.key.join(', ')}.`)
  return {
    going: found,
    table,
    columns,
    types: columns.map((name) => table.columns.find((one) => one.name === name)!.type),
    // What a trigger changes later is written at once too: it may not be empty meanwhile.
    first: columns.flatMap((name, place) => (deferred.has(name) && !travel.settles?.includes(name) ? [] : [place])),
    later,
    key,
    users: usersIn(found, columns),
    identity: columns.flatMap((name, place) =>
      table.columns.find((one) => one.name === name)?.identity ? [place] : [],
    ),
  }
}

function usersIn({ table, travel }: TravellingTable, columns: readonly string[]): PlacedSection['users'] {
  const users = new Map<number, 'must' | 'may'>()
  const add = (name: string, how: 'must' | 'may'): void => {
    const at = columns.indexOf(name)
    if (at >= 0 && users.get(at) !== 'must') users.set(at, how)
  }
  for (const name of [OWNER, ...(travel.users ?? [])]) add(name, 'may')
  for (const reference of table.references)
    if (reference.table === USERS || reference.table === MEMBERS)
      for (const name of reference.columns) add(name, 'must')
  return users
}

/** A column that must have a value and gets none. */
function refuseMissing({ table, travel }: TravellingTable, columns: readonly string[]): void {
  const missing = table.columns.find(
    ({ name, notNull, hasDefault }) =>
      notNull && !hasDefault && !columns.includes(name) && !travel.leaves?.includes(name),
  )
  if (missing)
    throw archiveInvalid(
      `The archive says nothing of ${table.name}.${missing.name}, which may not be empty: give the column a default, or export from a platform that has it.`,
    )
}
