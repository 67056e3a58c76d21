import {
  logEvents,
  OWNER,
  problem,
  refuseQuery,
  staleness,
  type Answer,
  type PersonalCall,
  type PersonalRoute,
  type Principal,
  type Tenant,
} from '@plinth/core'
import { enteredTenant } from '../lifecycle/entered-tenant.ts'
import { takeArchivePlace, type ArchivePlace } from './archive-places.ts'
import { exportTenant } from './export-tenant.ts'
import { spooled, streamOf } from './spool.ts'

/** How recently the owner must have signed in, in seconds: the file is all that his organisation has. */
const FRESH = 600

export const exportRoute: PersonalRoute = {
  public: false,
  inTenant: false,
  tag: 'tenant',
  origin: 'platform',
  personal: 'user',
  method: 'POST',
  path: '/api/v1/tenants/:id/export',
  operationId: 'exportTenant',
  summary: 'All that a tenant has as an archive, for an owner who signed in within ten minutes',
  errors: [
    'not_found',
    'invalid_query',
    'second_factor_required',
    'reauthentication_required',
    'rate_limited',
    'too_many_exports',
    'validation_failed',
  ],
  answers: [
    {
      status: 200,
      description: 'gzip over lines of JSON, without secrets and hidden columns',
      contentType: 'application/gzip',
    },
  ],
  handle: answerArchive,
}

/**
 * `POST /tenants/:id/export`. Written into a file without a name first: a reader who takes his time would hold a transaction open for
 * as long, and what fails in the middle would be half an archive instead of a status.
 * @throws not_found, permission_denied, reauthentication_required, rate_limited, too_many_exports, unavailable, validation_failed
 */
async function answerArchive(call: PersonalCall): Promise<Answer> {
  refuseQuery(call)
  const { platform } = call
  const { tenant, principal, operator } = await enteredTenant(call)
  if (operator)
    throw problem('permission_denied', {
      detail: 'The operator sees no rows of tenants by the API. Where the database is: plinth tenant:export.',
    })
  if (!principal.roles?.includes(OWNER))
    throw problem('permission_denied', { detail: 'Only an owner takes all of a tenant along.' })
  const stale = staleness(principal, FRESH, platform.clock.now())
  if (stale) throw stale
  const place = takeArchivePlace(platform, tenant.id)
  try {
    return await written(call, tenant, principal, place)
  } catch (error) {
    place.leave()
    throw error
  }
}

async function written(call: PersonalCall, tenant: Tenant, principal: Principal, place: ArchivePlace): Promise<Answer> {
  const { platform, requestId, signal } = call
  const { limits } = platform
  // Each reads every row of the tenant and fills a disk for a while.
  await platform.rates.attempt([{ name: 'export-tenant', by: [tenant.id], capacity: 6, windowSeconds: 3_600 }])
  const { file, result } = await spooled(
    { bytes: limits.exportSpool, signal: AbortSignal.any([signal, AbortSignal.timeout(limits.export)]) },
    (destination) => exportTenant(platform, tenant.id, destination, { hidden: false, by: { ...call, principal } }),
  )
  place.written()
  platform.log.info(logEvents.exportEnded, {
    requestId,
    resource: 'tenant',
    tenant: tenant.slug,
    principal: `${principal.kind}:${principal.id}`,
    rows: result.rows,
    complete: true,
  })
  return {
    status: 200,
    headers: {
      'content-type': 'application/gzip',
      'content-disposition': `attachment; filename="${tenant.slug}.plinth"`,
      'cache-control': 'no-store',
    },
    body: streamOf(file, { idle: limits.exportIdle, most: limits.export, onEnd: () => place.leave() }),
  }
}
