/**
 * What PostgreSQL says about itself, as far as Plinth compares it. No OIDs and no server version: the catalogs of two
 * databases that were made alike are alike.
 */
export interface Catalog {
  readonly session: CatalogSession
  readonly roles: readonly CatalogRole[]
  readonly schemas: readonly CatalogSchema[]
  readonly tables: readonly CatalogTable[]
  readonly views: readonly CatalogView[]
  /** All of the schema `plinth`, and every SECURITY DEFINER one elsewhere. */
  readonly functions: readonly CatalogFunction[]
  readonly enums: readonly CatalogEnum[]
  /** `alter role … set plinth.tenant = …` and the like: settings that would be there before any transaction sets them. */
  readonly presets: readonly {
    readonly role: string | null
    readonly database: string | null
    readonly setting: string
  }[]
}

export interface CatalogSession {
  readonly currentUser: string
  readonly sessionUser: string
  readonly databaseOwner: string
  /** The tenant that is set although no transaction set one. */
  readonly tenant: string | null
}

export interface CatalogRole {
  readonly name: string
  readonly canLogin: boolean
  readonly superuser: boolean
  readonly bypassRls: boolean
  readonly createRole: boolean
  readonly createDb: boolean
  readonly replication: boolean
  readonly memberOf: readonly string[]
}

export interface CatalogGrant {
  /** A role, or `public` for everybody. */
  readonly grantee: string
  /** `SELECT`, `INSERT` … sorted. The owner's own are not listed. */
  readonly privileges: readonly string[]
}

export interface CatalogSchema {
  readonly name: string
  readonly owner: string
  readonly grants: readonly CatalogGrant[]
}

export interface CatalogTable {
  readonly schema: string
  readonly name: string
  readonly owner: string
  readonly kind: 'table' | 'partitioned' | 'foreign'
  readonly comment: string | null
  readonly rowSecurity: boolean
  readonly forced: boolean
  /** Whether it takes any space: false is surely empty. Counting rows would not help: under FORCE the owner sees none. */
  readonly written: boolean
  readonly columns: readonly CatalogColumn[]
  readonly indexes: readonly CatalogIndex[]
  readonly constraints: readonly CatalogConstraint[]
  readonly policies: readonly CatalogPolicy[]
  readonly grants: readonly CatalogGrant[]
  readonly columnGrants: readonly { readonly grantee: string; readonly column: string; readonly privilege: string }[]
}

export interface CatalogColumn {
  readonly name: string
  /** As `format_type` prints it: `timestamp with time zone`, `numeric(10,2)`, `public.mood`. */
  readonly type: string
  readonly notNull: boolean
  /** As PostgreSQL prints it: `'draft'::text`. Of a generated column its expression. */
  readonly default: string | null
  readonly identity: '' | 'a' | 'd'
  /** s(tored), v(irtual) or not generated. */
  readonly generated: '' | 's' | 'v'
}

export interface CatalogIndex {
  readonly name: string
  readonly unique: boolean
  readonly primary: boolean
  readonly valid: boolean
  /** Key columns in order; null stands for an expression. */
  readonly columns: readonly (string | null)[]
  readonly definition: string
}

export interface CatalogConstraint {
  readonly name: string
  readonly kind: 'primary' | 'unique' | 'foreign' | 'check' | 'exclusion'
  readonly columns: readonly string[]
  readonly foreignSchema: string | null
  readonly foreignTable: string | null
  readonly foreignColumns: readonly string[]
  /** `no action`, `restrict`, `cascade`, `set null`, `set default`; null where it is no foreign key. */
  readonly onDelete: string | null
  readonly onUpdate: string | null
  readonly definition: string
}

export interface CatalogPolicy {
  readonly name: string
  readonly permissive: boolean
  readonly command: 'all' | 'select' | 'insert' | 'update' | 'delete'
  /** Sorted; `public` is everybody. */
  readonly roles: readonly string[]
  readonly using: string | null
  readonly check: string | null
}

export interface CatalogView {
  readonly schema: string
  readonly name: string
  readonly owner: string
  readonly materialized: boolean
  readonly securityInvoker: boolean
  /** Tables and views that it reads. */
  readonly reads: readonly { readonly schema: string; readonly name: string }[]
  readonly grants: readonly CatalogGrant[]
}

export interface CatalogFunction {
  readonly schema: string
  readonly name: string
  readonly arguments: string
  readonly returns: string | null
  readonly language: string
  readonly volatility: 'immutable' | 'stable' | 'volatile'
  readonly securityDefiner: boolean
  /** `search_path=pg_catalog, pg_temp`. */
  readonly settings: readonly string[]
  readonly owner: string
  /** Made by an extension. */
  readonly extension: boolean
  readonly source: string | null
  readonly grants: readonly CatalogGrant[]
}

export interface CatalogEnum {
  readonly schema: string
  readonly name: string
  readonly values: readonly string[]
}

export function findTable(catalog: Catalog, schema: string, name: string): CatalogTable | undefined {
  return catalog.tables.find((table) => table.name === name && table.schema === schema)
}

/** The role itself and every role whose rights it has or can take by SET ROLE. */
export function rolesOf(catalog: Catalog, name: string): ReadonlySet<string> {
  const reached = new Set([name])
  for (const one of reached) {
    for (const group of catalog.roles.find((role) => role.name === one)?.memberOf ?? []) reached.add(group)
  }
  return reached
}
