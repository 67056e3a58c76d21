/** A column as the catalog of the live database has it. */
export interface PortableColumn {
  readonly name: string
  /** As PostgreSQL writes it, the same whatever the search path: `character varying(200)`, `public.site_status`. */
  readonly type: string
  readonly notNull: boolean
  /** Whether the database fills it where a row says nothing of it. */
  readonly hasDefault: boolean
  /** The sequence that numbers it is moved on behind rows that bring their own number. */
  readonly identity: boolean
}

/** Columns that point at rows of another table (or of the same one), without the tenant. */
export interface PortableReference {
  readonly columns: readonly string[]
  /** Named as {@link PortableTable.name}; `plinth.tenants` and `plinth.users` too, which are no tables of a tenant. */
  readonly table: string
}

/** A table that holds rows of tenants, without `tenant_id` and what the database computes by itself. */
export interface PortableTable {
  /** `sites` of the product, wherever it lies; with its schema what is not the product's: `plinth.groups`. */
  readonly name: string
  /** By name, so that two databases whose columns were added in another order say the same. */
  readonly columns: readonly PortableColumn[]
  /** The primary key, else the first other key; empty where the table has none. */
  readonly key: readonly string[]
  readonly references: readonly PortableReference[]
}

/** Values as the text that PostgreSQL prints and reads, in the order of the columns that were asked for. */
export type PortableRow = readonly (string | null)[]

/** The tables of one tenant as they are moved between platforms: all of them, by name, in either isolation. */
export interface PortableTables {
  /** Sorted by name. Those that `plinth_system` may not read are the host's and not among them. */
  readonly tables: readonly PortableTable[]
  /** Rows in the order of their key (text by code point), a bounded batch at a time. One table after the other. */
  read(table: PortableTable, columns: readonly string[]): AsyncIterable<readonly PortableRow[]>
  /** Inserts rows of this tenant. @throws validation_failed, already_exists */
  insert(table: PortableTable, columns: readonly string[], rows: readonly PortableRow[]): Promise<void>
  /** Changes columns of rows that are there: each row begins with the table's key, in its order. */
  change(table: PortableTable, columns: readonly string[], rows: readonly PortableRow[]): Promise<void>
  /** Moves the numbering of an identity column behind this number. @throws validation_failed where that is far away */
  numberAfter(table: PortableTable, column: string, number: string): Promise<void>
  /** Whether {@link numberAfter} would; no transaction takes back what that does. @throws validation_failed as that does */
  refuseNumber(table: PortableTable, column: string, number: string): Promise<void>
}

export interface PortableAccess {
  /**
   * The tables of one tenant. `frozen`: the whole transaction reads what was committed at this moment and writes nothing; it must
   * be the first thing in it.
   */
  portable(tenantId: string, how: 'frozen' | 'written'): Promise<PortableTables>
}
