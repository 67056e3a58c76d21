import type { BuildColumns, ColumnBuilderBase } from 'drizzle-orm'
import type { PgColumnBuilderBase, PgTable, PgTableWithColumns, PgTimestampBuilderInitial } from 'drizzle-orm/pg-core'
import type { PgIntegerBuilderInitial, PgUUIDBuilderInitial } from 'drizzle-orm/pg-core'
import type { HasDefault, NotNull } from 'drizzle-orm'

/** Columns as a user declares them: Drizzle's PostgreSQL builders by property name. */
export type Columns = Record<string, PgColumnBuilderBase>

/** The columns that `resourceTable` puts before the user's own, in this order (`tenant_id` leads the primary key). */
export interface PlatformColumns {
  tenantId: NotNull<PgUUIDBuilderInitial<'tenant_id'>>
  id: HasDefault<NotNull<PgUUIDBuilderInitial<'id'>>>
  ownerUserId: PgUUIDBuilderInitial<'owner_user_id'>
  ownerGroupId: PgUUIDBuilderInitial<'owner_group_id'>
  createdAt: HasDefault<NotNull<PgTimestampBuilderInitial<'created_at'>>>
  updatedAt: HasDefault<NotNull<PgTimestampBuilderInitial<'updated_at'>>>
  version: HasDefault<NotNull<PgIntegerBuilderInitial<'version'>>>
}

/** All columns of a table: an `id` among the user's own takes the place of the platform's. */
export type AllColumns<C extends Columns> = C extends { id: PgColumnBuilderBase }
  ? Omit<PlatformColumns, 'id'> & C
  : PlatformColumns & C

/** What every row has, whatever its resource. Times are UTC; the id is an opaque string, whatever its column is. */
export interface PlatformRow {
  readonly tenantId: string
  readonly id: string
  readonly ownerUserId: string | null
  readonly ownerGroupId: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly version: number
}

/** `.$type<T>()` beats what the column's own type says. */
type Plain<B extends ColumnBuilderBase> = B['_'] extends { $type: infer T }
  ? unknown extends T
    ? B['_']['data']
    : T
  : B['_']['data']
type Data<B extends ColumnBuilderBase> = B['_'] extends { notNull: true } ? Plain<B> : Plain<B> | null
type Needed<C extends Columns> = {
  [K in keyof C]: C[K]['_'] extends { notNull: true } ? (C[K]['_'] extends { hasDefault: true } ? never : K) : never
}[keyof C]
/** What a draft says of an own key: a text is given unless it has a default; a number is the database's to make. */
type KeyDraft<C extends Columns> = C extends { id: { _: { dataType: 'string' } } }
  ? C extends { id: { _: { hasDefault: true } } }
    ? { id?: string | undefined }
    : { id: string }
  : unknown

/** A row may be given to a group. */
interface OwnerDraft {
  ownerGroupId?: string | null | undefined
}

/** A stored row of the columns `C`, as code reads it. */
export type RowOf<C extends Columns> = PlatformRow & { readonly [K in Exclude<keyof C, 'id'>]: Data<C[K]> }
/** What code gives to create a row: columns that are NOT NULL without default are required. */
export type DraftOf<C extends Columns> = { [K in Exclude<Needed<C>, 'id'>]: Data<C[K]> } & {
  [K in Exclude<keyof C, Needed<C> | 'id'>]?: Data<C[K]> | undefined
} & KeyDraft<C> &
  OwnerDraft

/**
 * Key of the phantom types of a table. The types are computed once from the builders and carried along: taking them from
 * Drizzle's inferred table instead made 200 resources cost 16.7 s and 2.9 GB to check.
 */
declare const tableTypes: unique symbol
export interface AnyResourceTable {
  readonly [tableTypes]: { readonly row: object; readonly draft: object; readonly columns: object }
}

export type ResourceTable<N extends string, C extends Columns> = PgTableWithColumns<{
  name: N
  schema: undefined
  dialect: 'pg'
  columns: BuildColumns<N, AllColumns<C>, 'pg'>
}> & { readonly [tableTypes]: { readonly row: RowOf<C>; readonly draft: DraftOf<C>; readonly columns: C } }

/** The row of a table: `Row<typeof sites>`. */
export type Row<T extends AnyResourceTable> = T[typeof tableTypes]['row']
/** What creates a row of a table: `Draft<typeof sites>`. */
export type Draft<T extends AnyResourceTable> = T[typeof tableTypes]['draft']
/** What changes a row of a table: any part of a draft. */
export type Patch<T extends AnyResourceTable> = Partial<Draft<T>>
/** The user's own columns of a table. */
export type ColumnsOf<T extends AnyResourceTable> = T[typeof tableTypes]['columns']

/** The one cast from the branded table to Drizzle's: every `ResourceTable` is one, the brand alone does not say so. */
export function drizzleTable(table: AnyResourceTable): PgTable {
  return table as unknown as PgTable
}
