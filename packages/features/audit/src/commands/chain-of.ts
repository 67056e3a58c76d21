import { isUuid, problem, type Platform } from '@plinth/core'
import { PLATFORM } from '../entry/chained-entry.ts'

/** @param tenant as an operator names it */
export async function chainOf({ database }: Platform, tenant: string): Promise<string> {
  if (tenant === 'platform') return PLATFORM
  const found = await database.findTenant(tenant)
  if (found) return found.id
  // The log of a tenant outlives it. In the book ids are in small letters.
  const id = tenant.toLowerCase()
  if (isUuid(id)) return id
  throw problem('not_found', { detail: `There is no tenant ${tenant}.` })
}
