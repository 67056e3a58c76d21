import {
  foundWithin,
  problem,
  refuseQuery,
  validate,
  type FoundingDraft,
  type FoundTenant,
  type PersonalCall,
  type Platform,
  type SystemTransaction,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import type { Registration } from '../directory/admit.ts'
import { foundUnderFreeSlug, isReserved } from '../directory/slug.ts'
import { isOperator } from './entered-tenant.ts'
import { readTenant, tenantAnswer } from './tenant-row.ts'

export const tenantSlug = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'Use lower-case letters, digits and hyphens')
  .refine((text) => !/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(text), 'A slug must not look like an id')

export const newTenant = z
  .object({
    name: z.string().trim().min(1).max(200),
    slug: tenantSlug.optional().describe('Short name for URLs; made from the name where it is left out'),
  })
  .meta({ id: 'NewTenant' })

/**
 * `POST /tenants`: the tenant, its owner and what every feature provisions in it, in one transaction; where one of them fails nothing
 * is left.
 * @throws validation_failed, permission_denied, already_exists
 */
export async function onboardTenant(call: PersonalCall, registration: Registration): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, principal } = call
  if (registration === 'invited' && !isOperator(principal))
    throw problem('permission_denied', { detail: 'Tenants are founded by the operator of the service.' })
  const by = { requestId: call.requestId, client: call.client }
  const draft = { ...validate(newTenant, call.body), founder: principal.id, by }
  // Each is a name that nobody else can have, and what every feature puts into it.
  if (!isOperator(principal))
    await platform.rates.attempt([{ name: 'found-tenant', by: [principal.id], capacity: 20, windowSeconds: 3_600 }])
  return platform.database.system(async (system) => {
    const { id } =
      draft.slug === undefined ? await foundUnderFreeSlug(platform, system, draft) : await foundAs(draft.slug)
    const row = await readTenant(system, id)
    if (!row) throw new Error('the new tenant is not there')
    return tenantAnswer(201, row, { location: `${platform.basePath}/api/v1/tenants/${id}` })

    async function foundAs(wanted: string): Promise<FoundTenant> {
      return foundUnder(platform, system, { name: draft.name, founder: draft.founder, by, slug: wanted })
    }
  })
}

async function foundUnder(
  platform: Platform,
  system: SystemTransaction,
  draft: FoundingDraft & { readonly founder: string },
): Promise<FoundTenant> {
  const found = isReserved(draft.slug) ? undefined : await foundWithin(platform, system, draft)
  if (found?.founded) return found
  throw problem('already_exists', { errors: [{ path: '/slug', code: 'taken', message: 'This slug is taken' }] })
}
