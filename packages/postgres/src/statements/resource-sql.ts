import { fieldOf, type FieldInfo, type ResourceInfo } from '@plinth/core'
import { columnType, type ColumnType } from './column-types.ts'
import { identifier } from './quote.ts'

/** The parts of a resource's statements that never change, printed once. Its table's name is `printing.tableOf(resource)`. */
export interface ResourceSql {
  /** Turns the text of an id (a placeholder) into the type of the key. */
  readonly key: ColumnType['compare']
  /** The table has an `id` of its own: a text, or a number that the database makes. */
  readonly ownKey: boolean
  /** All columns of `p`, each under its property name. */
  readonly columns: string
  /** The same of `n`, the row that a write returns. */
  readonly written: string
  /** The same without the id, which carries the outcome of a change. */
  readonly changed: string
  /** That of `p`. */
  readonly unchanged: string
  /** ` and p."deleted_at" is null` for a soft-deleted resource, else nothing. */
  readonly live: string
  readonly deletedAt: FieldInfo | undefined
  /** Columns whose value our code makes when none is given (`$defaultFn`). */
  readonly made: readonly FieldInfo[]
  /** Columns whose value our code makes at each update that does not give one (`$onUpdate`). */
  readonly renewed: readonly FieldInfo[]
}

const known = new WeakMap<ResourceInfo, ResourceSql>()

export function resourceSql(resource: ResourceInfo): ResourceSql {
  const kept = known.get(resource)
  if (kept) return kept
  const deletedAt = resource.byKey.get('deletedAt')
  const id = fieldOf(resource, 'id')
  const withoutId = resource.fields.filter((field) => field.key !== 'id')
  const own = resource.fields.filter((field) => !setByStatement.has(field.key))
  const made: ResourceSql = {
    key: columnType(id.column).compare,
    ownKey: id.kind.name !== 'uuid',
    columns: columnList('p', resource.fields),
    written: columnList('n', resource.fields),
    changed: columnList('n', withoutId),
    unchanged: columnList('p', withoutId),
    live: deletedAt ? ` and p.${identifier(deletedAt.sqlName)} is null` : '',
    deletedAt,
    made: own.filter((field) => field.column.defaultFn !== undefined),
    renewed: own.filter((field) => field.column.onUpdateFn !== undefined),
  }
  known.set(resource, made)
  return made
}

/** Columns that the generated statements give themselves. */
const setByStatement = new Set(['tenantId', 'id', 'ownerUserId', 'createdAt', 'updatedAt', 'version', 'deletedAt'])

/** `p."created_at" as "createdAt", …`: rows come out by property name, and nothing is mapped in Node. */
function columnList(alias: string, fields: readonly FieldInfo[]): string {
  return fields.map((field) => `${columnValue(alias, field)} as ${identifier(field.key)}`).join(', ')
}

/** A column under no name: what is read of it. */
export function columnValue(alias: string, field: FieldInfo): string {
  const column = `${alias}.${identifier(field.sqlName)}`
  return columnType(field.column).padded ? `${column}::text` : column
}

const lists = new WeakMap<readonly FieldInfo[], Map<string, string>>()

/** The column list of a choice of fields, kept by the array: core hands in the same one for the same mask. */
export function chosenColumns(
  resource: ResourceInfo,
  fields: readonly FieldInfo[],
  needed: readonly FieldInfo[],
): string {
  if (fields === resource.fields) return resourceSql(resource).columns
  const kept = lists.get(fields) ?? new Map<string, string>()
  lists.set(fields, kept)
  const key = needed.map((field) => field.key).join()
  const list = kept.get(key)
  if (list !== undefined) return list
  const made = columnList('p', [...new Set([...fields, ...needed])])
  if (kept.size < KEPT_LISTS) kept.set(key, made)
  return made
}

/** Sorts are chosen by strangers; beyond this many, lists are printed and thrown away. */
const KEPT_LISTS = 32
