import type { Connection, Driver } from '../drivers/driver.ts'
import { arrayLiteral } from '../statements/quote.ts'
import type { Catalog, CatalogTable } from './catalog.ts'
import { catalogQueries } from './catalog-queries.ts'

/** A table, by its names. */
interface Named {
  readonly schema: string
  readonly name: string
}

/**
 * Reads what PostgreSQL says about the database. Needs no rights: catalogs may be read by every login.
 * @param tables where given, of the host's tables only these and those with a tenant column
 * @param leftOut then, a regular expression over names of schemas whose tables are not read
 */
export function readCatalog(driver: Driver, tables?: readonly Named[], leftOut?: string): Promise<Catalog> {
  return driver.transaction((connection) => readCatalogWithin(connection, tables, leftOut))
}

/** The same inside an open transaction, which sees what it has done itself. */
export async function readCatalogWithin(
  connection: Connection,
  tables?: readonly Named[],
  leftOut?: string,
): Promise<Catalog> {
  return withFullNames(connection, () => readAll(connection, tables, leftOut))
}

/** Of the tables only those of one schema: what a tenant's tables are compared by. */
export async function readSchemaCatalog(connection: Connection, schema: string): Promise<Catalog> {
  return withFullNames(connection, async () => {
    const whole = await readAll(connection, [], '')
    const rows = await connection.query(catalogQueries.schemaTables, [schema])
    return { ...whole, tables: rows.map((row) => JSON.parse(String(row['data'])) as CatalogTable) }
  })
}

/** One table, which may be a temporary one. */
export async function readTable(connection: Connection, quotedName: string): Promise<CatalogTable> {
  const [row] = await withFullNames(connection, () => connection.query(catalogQueries.table, [quotedName]))
  return JSON.parse(String(row?.['data'])) as CatalogTable
}

/** PostgreSQL leaves out the schema of what the search_path finds; without one it prints every name in full. */
async function withFullNames<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  const [before] = await connection.query(`select current_setting('search_path') as path`)
  const restore = [String(before?.['path'])]
  await connection.query(`select set_config('search_path', 'pg_catalog', true)`)
  const result = await work()
  await connection.query(`select set_config('search_path', $1::text, true)`, restore)
  return result
}

async function readAll(connection: Connection, tables: readonly Named[] | undefined, leftOut = '^$'): Promise<Catalog> {
  const read = async <T>(query: keyof typeof catalogQueries, parameters: readonly string[] = []): Promise<T[]> => {
    const rows = await connection.query(catalogQueries[query], parameters)
    return rows.map((row) => JSON.parse(String(row['data'])) as T)
  }
  const [session] = await read<Catalog['session']>('session')
  if (!session) throw new Error('PostgreSQL gave no session')
  return {
    session,
    roles: await read('roles'),
    schemas: await read('schemas'),
    tables: tables
      ? await read('tenantTables', [arrayLiteral(tables.map(({ schema, name }) => `${schema}.${name}`)), leftOut])
      : await read('tables'),
    views: await read('views'),
    functions: await read('functions'),
    enums: await read('enums'),
    presets: await read('presets'),
  }
}
