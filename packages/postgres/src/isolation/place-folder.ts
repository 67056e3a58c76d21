import { TENANT_POLICY, type Registry } from '@plinth/core'
import { getTableConfig } from 'drizzle-orm/pg-core'
import type { Folder, FolderMigration } from '../migrate/drizzle-folder.ts'
import { firstLine } from '../migrate/split-statements.ts'
import { featureTables } from '../migrate/tables-of.ts'
import { identifier } from '../statements/quote.ts'
import {
  changesRows,
  codeOf,
  madeByStatement,
  mentionsOf,
  newNameOf,
  publicNames,
  tableOfStatement,
  typeOfStatement,
  type PlacedName,
} from './folder-names.ts'
import { tenantResources } from './place-tables.ts'
import { PLACE } from './tenant-schema.ts'

/** A drizzle-kit folder, parted. Statements of tenants name their schema {@link PLACE}. */
export interface PlacedFolder {
  /** What is run once. */
  readonly shared: Folder
  /** What is run in the schema of each tenant that was there before. */
  readonly tenant: Folder
  /** What makes the schema of a new tenant, from the first migration on. */
  readonly replay: Folder
}

/** A dropped type waits under such a name until no tenant's columns are of it. */
export const DROPPED_TYPES = '__dropped_[0-9]{13}$'

/**
 * Parts a folder, which drizzle-kit wrote for one schema: what speaks of tables that each tenant has is each tenant's, all else
 * (types, extensions, functions, tables of the host) is shared.
 *
 * Whose a table is must be the same for a migration of three years ago, whose table may since be called otherwise or be
 * gone: it is a tenant's where it or what it was renamed to is a resource of the product, or where the folder gave it
 * the policy that `resourceTable` brings.
 * @throws where a shared table would refer to one that each tenant has
 */
export function placeFolder(folder: Folder, registry: Registry): PlacedFolder {
  const statements = folder.migrations.flatMap((migration) => migration.statements.map(codeOf))
  const tables = tenantTablesOf(statements, registry)
  const gone = goneTypes(statements)
  const part = (pick: (migration: FolderMigration) => readonly string[]): Folder => ({
    path: folder.path,
    migrations: folder.migrations.map((migration) => ({ ...migration, statements: pick(migration) })),
  })
  const now = placing(folder, tables, new Set())
  const anew = placing(folder, tables, gone)
  return {
    shared: part((migration) => now(migration).shared),
    tenant: part((migration) => now(migration).tenant),
    // There are no rows yet, and the values of types that a statement names may be gone.
    replay: part((migration) => anew(migration).tenant.filter((statement) => !changesRows(codeOf(statement)))),
  }
}

interface Placed {
  readonly shared: readonly string[]
  readonly tenant: readonly string[]
}

/** @param types that are made for the tenant alone: those of old migrations that are gone, where a new tenant replays them */
function placing(
  folder: Folder,
  tables: ReadonlySet<string>,
  types: ReadonlySet<string>,
): (migration: FolderMigration) => Placed {
  // Views, functions and indexes become a tenant's by the statement that makes them.
  const own = new Set([...tables, ...types])
  const done = new Map<string, Placed>()
  for (const migration of folder.migrations) {
    const shared: string[] = []
    const tenant: string[] = []
    for (const statement of migration.statements) {
      const code = codeOf(statement)
      if (isTenants(code, own, types, `migration ${migration.tag} of ${folder.path}`)) {
        const made = tableOfStatement(code)?.made ?? madeByStatement(code)?.name
        for (const name of [made, newNameOf(code)]) if (name !== undefined) own.add(name)
        tenant.push(inPlace(statement, code, own))
      } else shared.push(postponed(statement, code, migration.folderMillis))
    }
    done.set(migration.tag, { shared, tenant })
  }
  return (migration) => done.get(migration.tag)!
}

function isTenants(code: string, own: ReadonlySet<string>, types: ReadonlySet<string>, label: string): boolean {
  const isOwn = (name: PlacedName): boolean => isPublic(name) && own.has(name.name)
  const type = typeOfStatement(code)
  if (type) return isPublic(type) && types.has(type.name)
  const table = tableOfStatement(code)
  if (!table) return [...mentionsOf(code), ...publicNames(code)].some(isOwn)
  if (isOwn(table)) return true
  const target = mentionsOf(code).find((one) => isOwn(one) && /references\s+$/i.test(code.slice(0, one.at)))
  if (!target) return false
  throw new Error(
    `${label}: ${firstLine(code)} lets the shared table ${table.name} refer to ${target.name}, of which each tenant has one of his own (isolation: 'schema')`,
  )
}

function isPublic(name: PlacedName): boolean {
  return name.schema === undefined || name.schema === 'public'
}

/** `"public"."sites"` and the table that a statement is about, in the tenant's schema; else the search_path finds it. */
function inPlace(statement: string, code: string, own: ReadonlySet<string>): string {
  const edits = new Map<number, PlacedName>()
  for (const name of publicNames(code)) if (own.has(name.name)) edits.set(name.at, name)
  // A missing table must be an error, and not the one of the same name that an earlier isolation left in public.
  const table = tableOfStatement(code)
  if (table && isPublic(table)) edits.set(table.at, table)
  return [...edits.values()]
    .toSorted((a, b) => b.at - a.at)
    .reduce((text, { at, nameAt }) => `${text.slice(0, at)}${identifier(PLACE)}.${text.slice(nameAt)}`, statement)
}

/**
 * A type is shared, and dropped when no tenant has a column of it any more. Until then it is out of the way of a new one of its
 * name: drizzle-kit drops and makes a type anew to take a value away.
 */
function postponed(statement: string, code: string, at: number): string {
  const type = typeOfStatement(code)
  if (type?.verb !== 'drop') return statement
  const name = `${type.schema === undefined ? '' : `${identifier(type.schema)}.`}${identifier(type.name)}`
  const rename = `alter type ${name} rename to ${identifier(`${type.name.slice(0, 40)}__dropped_${String(at).padStart(13, '0')}`)}`
  if (!/^\s*drop\s+type\s+if\s+exists/i.test(code)) return rename
  return `do $plinth$ begin if to_regtype('${name.replaceAll("'", "''")}') is not null then ${rename}; end if; end $plinth$`
}

/** Every name that a table of tenants has or had. */
function tenantTablesOf(statements: readonly string[], registry: Registry): ReadonlySet<string> {
  const groups = new Map<string, Set<string>>()
  const groupOf = (name: string): Set<string> => {
    const group = groups.get(name) ?? new Set([name])
    groups.set(name, group)
    return group
  }
  const guarded = new Set<string>()
  for (const code of statements) {
    const table = tableOfStatement(code)
    if (!table || !isPublic(table)) continue
    if (table.policy === TENANT_POLICY) guarded.add(table.name)
    const later = /^\s*alter\s+table\b/i.test(code) ? newNameOf(code) : undefined
    if (later === undefined) groupOf(table.name)
    else {
      const group = groupOf(table.name)
      for (const name of groupOf(later)) groups.set(name, group.add(name))
    }
  }
  const resources = tenantResources(registry, 'schema').map((resource) => resource.sqlName)
  const brought = registry.resources.filter((one) => one.origin !== 'product').map((one) => one.drizzle)
  const shared = new Set(
    [...featureTables(registry), ...brought]
      .map((table) => getTableConfig(table))
      .filter((table) => table.schema === undefined)
      .map((table) => table.name),
  )
  const own = new Set(resources)
  for (const group of new Set(groups.values())) {
    const names = [...group]
    const isOwn = names.some((name) => resources.includes(name)) || names.some((name) => guarded.has(name))
    if (isOwn && !names.some((name) => shared.has(name))) for (const name of names) own.add(name)
  }
  return own
}

/** Types that the folder dropped and did not make again. */
function goneTypes(statements: readonly string[]): ReadonlySet<string> {
  const gone = new Set<string>()
  for (const code of statements) {
    const type = typeOfStatement(code)
    if (!type || !isPublic(type)) continue
    if (type.verb === 'drop') gone.add(type.name)
    else if (type.verb === 'create') gone.delete(type.name)
  }
  return gone
}
