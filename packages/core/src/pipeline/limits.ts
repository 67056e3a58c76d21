import { rateLimited } from '../limits/attempts.ts'
import type { AppliedLimit } from '../limits/rate-headers.ts'
import type { Platform } from '../platform/platform.ts'
import type { Principal } from '../auth/principal.ts'
import type { Rate, TenantRates } from '../ports/rate-limits.ts'
import type { Route } from '../routes/route.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { Received } from './request.ts'

/** One bucket that a request is counted in. */
interface Counted {
  readonly name: string
  readonly who: string
  readonly rate: Rate
}

/**
 * Counts a request for its sender's address, before anything is known of him. A request whose sender nobody told (a call in
 * process) is not counted, nor is one to a route that says so.
 * @throws rate_limited
 */
export function limitSender(
  platform: Platform,
  received: Received,
  route: Pick<Route, 'public' | 'limits'> | undefined,
): Promise<void> | undefined {
  const { key } = received.client
  const { held } = platform.rates
  if (!held || key === undefined || route?.limits === 'none') return undefined
  const counted: Counted[] = []
  if (held.ip) counted.push({ name: 'ip', who: key, rate: held.ip })
  if (held.anonymous && (route?.public || !showsCredential(received.headers)))
    counted.push({ name: 'anonymous', who: key, rate: held.anonymous })
  for (const { name, ...rate } of route?.limits ?? []) counted.push({ name, who: key, rate })
  return count(platform, received, counted)
}

/** A public route reads no credential, so that a made-up one there takes nobody out of the anonymous. */
function showsCredential(headers: Readonly<Record<string, string>>): boolean {
  return headers.authorization !== undefined || headers['x-api-key'] !== undefined || headers.cookie !== undefined
}

/**
 * Counts a request for its principal, and for the tenant where there is one: a tenant may have rates of its own.
 * @throws rate_limited
 */
export async function limitPrincipal(
  platform: Platform,
  received: Pick<Received, 'limits'> & { readonly principal: Principal },
  tenant: Tenant | undefined,
): Promise<void> {
  const { held, tenants } = platform.rates
  const { principal } = received
  const counted: Counted[] = []
  // Its own limit holds where all others are switched off, too.
  if (principal.rate) counted.push({ name: 'own', who: `${principal.kind} ${principal.id}`, rate: principal.rate })
  if (!held) return count(platform, received, counted)
  const known = tenant ? tenants.of(tenant.id) : noRates
  const own = known instanceof Promise ? await known : known
  const ofPrincipal = own.principal ?? held.principal
  const ofTenant = own.tenant ?? held.tenant
  if (ofPrincipal) {
    const who = `${tenant?.id ?? ''} ${principal.kind} ${principal.id}`
    counted.push({ name: 'principal', who, rate: ofPrincipal })
  }
  if (tenant && ofTenant) counted.push({ name: 'tenant', who: tenant.id, rate: ofTenant })
  await count(platform, received, counted)
}

/**
 * Chooses the tenant and counts the request in it.
 * @throws rate_limited, and what `choose` throws: a principal that asks for tenants that are not his is counted all the same
 */
export async function limitedIn<
  R extends Received & { readonly principal: Principal },
  Chosen extends { readonly tenant: Tenant },
>(platform: Platform, request: R, choose: (platform: Platform, request: R) => Promise<Chosen>): Promise<Chosen> {
  let chosen: Chosen
  try {
    chosen = await choose(platform, request)
  } catch (error) {
    await limitPrincipal(platform, request, undefined)
    throw error
  }
  await limitPrincipal(platform, request, chosen.tenant)
  return chosen
}

const noRates: TenantRates = {}

/** Takes one of each, all at once; where one refuses, what the others gave goes back. */
function count(
  platform: Platform,
  received: Pick<Received, 'limits'>,
  counted: readonly Counted[],
): Promise<void> | undefined {
  const { requests } = platform.rates
  const verdicts = counted.map(({ name, who, rate }) => requests.take(name, who, rate))
  const settle = (all: readonly AppliedLimit['verdict'][]): void => {
    received.limits.push(...counted.map(({ name, rate }, index) => ({ name, rate, verdict: all[index]! })))
    const refused = all.findIndex(({ allowed }) => !allowed)
    if (refused < 0) return
    counted.forEach(({ name, who }, index) => {
      if (all[index]!.allowed) requests.giveBack(name, who)
    })
    const wait = Math.max(...all.map(({ retryAfterSeconds }) => retryAfterSeconds))
    const { name, rate } = counted[refused]!
    platform.requests.limited(name)
    throw rateLimited(wait, `The limit "${name}" is ${rate.capacity} requests in ${rate.windowSeconds} seconds.`)
  }
  if (verdicts.some((verdict) => verdict instanceof Promise))
    return Promise.all(verdicts.map(async (verdict) => verdict)).then(settle)
  settle(verdicts as AppliedLimit['verdict'][])
  return undefined
}
