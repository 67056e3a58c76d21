import { problem } from '../errors/plinth-error.ts'
import { rateFault } from '../limits/bucket.ts'
import type { ChangedRates, Rate } from '../ports/rate-limits.ts'
import { auditedByPlatform } from './audited.ts'
import type { Platform } from './platform.ts'

/** @throws not_found for a tenant there is none; validation_failed for what is no rate */
export async function setTenantRates(platform: Platform, idOrSlug: string, rates: ChangedRates): Promise<void> {
  const errors = Object.entries(rates).flatMap(([scope, rate]) => {
    const message = rate ? rateFault(rate) : undefined
    return message === undefined ? [] : [{ path: `/${scope}`, code: 'invalid_rate', message }]
  })
  if (errors.length > 0) throw problem('validation_failed', { errors })
  const tenant = await platform.database.findTenant(idOrSlug)
  if (!tenant) throw problem('not_found', { detail: `There is no tenant ${idOrSlug}.` })
  await platform.rates.setOfTenant(tenant.id, rates, (system) =>
    auditedByPlatform(system, platform, {
      action: 'rateLimit.updated',
      target: tenant.id,
      tenantId: tenant.id,
      detail: Object.fromEntries(Object.entries(rates).map(([scope, rate]) => [scope, inWords(rate)])),
    }),
  )
}

/** `100 in 60 s`; null where it is the platform's again. */
function inWords(rate: Rate | null): string | null {
  return rate && `${rate.capacity} in ${rate.windowSeconds} s`
}
