/**
 * The seam below the port: tests wrap a driver to lose connections, count statements or look at what is sent.
 * Nothing here is needed to use Plinth.
 */
export { databaseFrom } from './database.ts'
export type { DatabaseOptions } from './database-options.ts'
export { postgresJsDriver } from './drivers/postgres-js.ts'
export type { PostgresJsOptions } from './drivers/postgres-js.ts'
export { dumpDataDir, pgliteDrivers } from './drivers/pglite.ts'
export type { PgliteOptions } from './drivers/pglite.ts'
export type { Connection, Driver, Drivers, Parameter, PoolUse, QueryOptions } from './drivers/driver.ts'
export { classify } from './errors/connection-trouble.ts'
export type { Trouble, TroubleKind } from './errors/connection-trouble.ts'
export { postgresDrivers } from './postgres.ts'
export { isPerTenant, tenantSchema } from './isolation/tenant-schema.ts'
export type { Isolation } from './isolation/tenant-schema.ts'
export { systemPassword, systemUrl } from './system-login.ts'
