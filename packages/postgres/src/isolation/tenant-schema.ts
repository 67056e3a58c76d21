import { getTableConfig } from 'drizzle-orm/pg-core'
import type { ResourceInfo } from '@plinth/core'
import { identifier } from '../statements/quote.ts'

/**
 * How tenants are kept apart beside row-level security. `shared`: one set of tables. `schema`: one PostgreSQL schema for each
 * tenant holds the product's tables; tenant_id, keys and policies stay as they are.
 */
export type Isolation = 'shared' | 'schema'

/**
 * The schema of a tenant: of its id, never of its slug, which a stranger may choose and which may change.
 * @throws where it is no id: the name goes into DDL
 */
export function tenantSchema(tenantId: string): string {
  const digits = tenantId.toLowerCase().replaceAll('-', '')
  if (!/^[0-9a-f]{32}$/.test(digits)) throw new Error('a tenant schema is named after the id of a tenant')
  return `tenant_${digits}`
}

/** Stands for the schema in statements that are stored or run for each tenant. No identifier of a declaration is this one. */
export const PLACE = '?tenant'

/** The same as a regular expression of PostgreSQL. */
export const TENANT_SCHEMAS = '^tenant_[0-9a-f]{32}$'
const pattern = new RegExp(TENANT_SCHEMAS)

export function isTenantSchema(name: string): boolean {
  return pattern.test(name)
}

/**
 * Whether each tenant has a table of its own. The fact is who brings the resource: what a product declares is the tenant's, what
 * a feature brings is the platform's and stays in one place, shared, under row-level security.
 */
export function isPerTenant(resource: ResourceInfo): boolean {
  return resource.origin === 'product' && getTableConfig(resource.drizzle).schema === undefined
}

/**
 * `"public"."sites"`: qualified, so that no search_path can put another table in its place. With a schema per tenant `"sites"`,
 * which the search_path of the tenant's transaction resolves, and nothing else does.
 */
export function tableInStatements(resource: ResourceInfo, isolation: Isolation): string {
  if (isolation === 'schema' && isPerTenant(resource)) return identifier(resource.sqlName)
  return `${identifier(getTableConfig(resource.drizzle).schema ?? 'public')}.${identifier(resource.sqlName)}`
}
