import { SET_SEARCH_PATH, type Connection, type Driver } from '../drivers/driver.ts'
import { tenantSchema } from './tenant-schema.ts'

/**
 * Where the names of a tenant's statements are looked for: in his schema. pg_catalog comes first by itself, and pg_temp last,
 * because unnamed it would come before everything; `public` is not on it.
 */
export function searchPathOf(tenantId: string): string {
  return `${tenantSchema(tenantId)}, pg_temp`
}

/** Of a connection that serves nobody yet: an unqualified name finds no table. */
export const NO_TENANT_PATH = 'pg_catalog, pg_temp'

/** Statements of one tenant outside of a transaction: each takes its search_path along. */
export function inSearchPath(driver: Connection, searchPath: string): Connection {
  return { query: (text, parameters, options) => driver.query(text, parameters, { ...options, searchPath }) }
}

/** A driver whose transactions begin with the tenant's search_path. It is sent ahead, not waited for. */
export function beginsIn(driver: Driver, searchPath: string): Pick<Driver, 'transaction'> {
  return {
    transaction: (work, place) =>
      driver.transaction((connection) => {
        // A failure fails the transaction, and every statement after it (run-transaction.ts).
        connection.query(SET_SEARCH_PATH, [searchPath], { prepare: true }).catch(() => undefined)
        return work(connection)
      }, place),
  }
}
