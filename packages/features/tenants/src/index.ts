export { tenants } from './tenants.ts'
export type { TenantsOptions } from './tenants.ts'
