import { desc, isNotNull, sql, type BuildExtraConfigColumns } from 'drizzle-orm'
import {
  foreignKey,
  index,
  integer,
  pgPolicy,
  pgSchema,
  pgTable,
  primaryKey,
  timestamp,
  uuid,
  type PgColumn,
  type PgColumnBuilderBase,
  type PgTableExtraConfigValue,
  type PgTableWithColumns,
  type PgTimestampBuilderInitial,
} from 'drizzle-orm/pg-core'
import { newUuid } from '../resource/new-uuid.ts'
import { referenceOf, type Reference } from './belongs-to.ts'
import { snakeCase } from './snake-case.ts'
import {
  drizzleTable,
  type AllColumns,
  type AnyResourceTable,
  type Columns,
  type PlatformColumns,
  type ResourceTable,
} from './types.ts'

/** The restrictive policy of every tenant table. No tenant set means NULL, and NULL matches no row. */
export const TENANT_POLICY = 'plinth_tenant'
export const TENANT_POLICY_USING = `tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid`

/** Names of the platform's columns, in table order. They cannot be declared again, but for `id`. */
export const PLATFORM_COLUMNS = [
  'tenantId',
  'id',
  'ownerUserId',
  'ownerGroupId',
  'createdAt',
  'updatedAt',
  'version',
] as const

const platformColumns = () => ({
  tenantId: uuid('tenant_id').notNull(),
  id: uuid('id').notNull().$defaultFn(newUuid),
  ownerUserId: uuid('owner_user_id'),
  ownerGroupId: uuid('owner_group_id'),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
  version: integer('version').notNull().default(1),
})

interface TableFacts {
  /** References by property name. */
  readonly references: ReadonlyMap<string, Reference>
  /** Whether the table declares its `id` itself. */
  readonly ownKey: boolean
}
const tables = new WeakMap<object, TableFacts>()

/** The facts that `resourceTable` keeps about a table, or undefined when another function made it. */
export function tableFacts(table: object): TableFacts | undefined {
  return tables.get(table)
}

/** A soft-deletion time: the presence of this column makes a table soft-deleted. */
export function deletedAt(): PgTimestampBuilderInitial<'deleted_at'> {
  return timestamp('deleted_at', { withTimezone: true })
}

/** Drizzle would call `contactEmail: text()` "contactEmail" in drizzle-kit unless `casing` is set twice; we name it here. */
function nameColumn(builder: PgColumnBuilderBase, key: string): void {
  const { config } = builder as unknown as { config: { name: string; keyAsName: boolean } }
  if (config.name !== '') return
  config.name = snakeCase(key)
  config.keyAsName = false
}

/** PostgreSQL cuts identifiers at 63 bytes in silence; two long names would then collide. */
function identifier(...parts: string[]): string {
  return parts.join('_').slice(0, 63)
}

/**
 * A Drizzle table of a resource: `tenant_id`, `id`, owners, times and version come before your columns; the primary key is
 * (tenant_id, id), every {@link belongsTo} gets its composite foreign key and index, and the restrictive tenant policy is
 * part of the table so that drizzle-kit writes it too. SQL names are snake_case.
 *
 * @param name    the table's SQL name, plural by convention (`sites`)
 * @param columns your own columns; the platform's names are refused by the compiler, but for `id`: a column of that name is
 *   the key instead of a uuid (`id: text()`, `id: integer().generatedAlwaysAsIdentity()`)
 * @param extra   own indexes, checks and unique keys (a unique key must hold `tenantId`)
 */
export function resourceTable<const N extends string, C extends Columns>(
  name: N,
  columns: C & { readonly [K in Exclude<keyof PlatformColumns, 'id'>]?: never } & { readonly id?: PgColumnBuilderBase },
  extra: (table: BuildExtraConfigColumns<N, AllColumns<C>, 'pg'>) => PgTableExtraConfigValue[] = () => [],
): ResourceTable<N, C> {
  return makeTable(pgTable, name, columns, (self) => [...ownerIndexes(name, self as never), ...extra(self)])
}

/**
 * The rows of one owner, newest first: what the scopes `own` and `group` list. Without them, somebody with three rows among the
 * tenant's million reads the million (they are filtered in the order of the list until a page is full). Rows without an owner are not
 * in them.
 */
function ownerIndexes(name: string, column: Readonly<Record<string, PgColumn>>): PgTableExtraConfigValue[] {
  return (['ownerUserId', 'ownerGroupId'] as const).map((key) => {
    const owner = column[key]!
    return index(identifier(name, owner.name, 'idx'))
      .on(column.tenantId!, owner, desc(column.createdAt!), desc(column.id!))
      .where(isNotNull(owner))
  })
}

/**
 * A table of a feature: the same columns, in the schema `plinth`. A migration of the feature makes it and says what the runtime login
 * may do with it.
 */
export function platformTable<const N extends string, C extends Columns>(
  name: N,
  columns: C & { readonly [K in Exclude<keyof PlatformColumns, 'id'>]?: never } & { readonly id?: PgColumnBuilderBase },
): ResourceTable<N, C> {
  return makeTable(pgSchema('plinth').table as unknown as typeof pgTable, name, columns, () => [])
}

function makeTable<const N extends string, C extends Columns>(
  make: typeof pgTable,
  name: N,
  columns: Columns,
  extra: (table: BuildExtraConfigColumns<N, AllColumns<C>, 'pg'>) => PgTableExtraConfigValue[],
): ResourceTable<N, C> {
  const references = new Map<string, Reference>()
  for (const [key, builder] of Object.entries(columns as Columns)) {
    nameColumn(builder, key)
    const reference = referenceOf(builder)
    if (reference) references.set(key, reference)
  }
  const ownKey = (columns as Columns).id
  // A key is never NULL; said here, so that drizzle-kit and the types of a sort know it too.
  if (ownKey) (ownKey as unknown as { config: { notNull: boolean } }).config.notNull = true
  // An own `id` takes the place of the platform's: tenant_id stays the first column, the key the second.
  const table = make(name, { ...platformColumns(), ...(columns as Columns) }, (self) => {
    const column = self as unknown as Record<string, PgColumn> & ReturnType<typeof keyColumns>
    return [
      primaryKey({ name: identifier(name, 'pk'), columns: [column.tenantId, column.id] }),
      index(identifier(name, 'recent_idx')).on(column.tenantId, desc(column.createdAt), desc(column.id)),
      ...[...references].flatMap(([key, reference]) => referenceConfig(name, column, key, reference)),
      pgPolicy(TENANT_POLICY, {
        as: 'restrictive',
        using: sql`tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid`,
      }),
      ...extra(self as never),
    ]
  })
  tables.set(table, { references, ownKey: ownKey !== undefined })
  return table as unknown as ResourceTable<N, C>
}

function keyColumns(table: PgTableWithColumns<never>): { tenantId: PgColumn; id: PgColumn; createdAt: PgColumn } {
  return table as never
}

function referenceConfig(
  name: string,
  columns: Record<string, PgColumn>,
  key: string,
  reference: Reference,
): PgTableExtraConfigValue[] {
  const target = drizzleTable(reference.to()) as unknown as { tenantId: PgColumn; id: PgColumn }
  const own = columns[key]!
  const tenant = columns.tenantId!
  return [
    foreignKey({
      name: identifier(name, own.name, 'fk'),
      columns: [tenant, own],
      foreignColumns: [target.tenantId, target.id],
    }).onDelete(reference.onDelete),
    // In the order of a list: the children of a row, newest first, are read from it without sorting all of them.
    index(identifier(name, own.name, 'idx')).on(tenant, own, desc(columns.createdAt!), desc(columns.id!)),
  ]
}

export type { AnyResourceTable }
