import type { Principal } from '../auth/principal.ts'
import type { Client, Peer } from '../client/client.ts'
import { PlinthError } from '../errors/plinth-error.ts'
import { StartupError } from '../errors/startup-error.ts'
import { rateHeaders } from '../limits/rate-headers.ts'
import { guardedAction, guardRequest, type Passed } from '../pipeline.ts'
import { VARY } from '../pipeline/answer.ts'
import { scopeOf } from '../pipeline/data.ts'
import type { Asked } from '../pipeline/policy.ts'
import { receive } from '../pipeline/request.ts'
import { respondTo } from '../pipeline/response.ts'
import { can, nearestPermissions } from '../policy/can.ts'
import type { Context } from '../resource/context.ts'
import { transactionContext } from '../resource/transaction-context.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import { tellingDenial, type DeniedWork } from './audit-denial.ts'
import type { Platform } from './platform.ts'

/** What a route of the host knows once its guard has let a request through. */
export interface Granted {
  readonly principal: Principal
  readonly tenant: Tenant
  readonly requestId: string
  readonly client: Client
  /**
   * May this principal do this on any row at all? On which rows is for `as` to say: it sees and changes no others.
   * @throws Error for a permission there is none
   */
  readonly can: (permission: string) => boolean
  /** Runs code as this principal in this tenant, in one transaction, under the same policy and row-level security as a request. */
  readonly as: <T>(work: (context: Context) => Promise<T>) => Promise<T>
  /** For the host's answer, unless it knows better: it depends on who asked, so no shared cache may keep it. */
  readonly headers: Readonly<Record<string, string>>
}

/** Either it is granted, or the refusal is the answer to send. */
export type GuardOutcome =
  | { readonly granted: Granted; readonly refused?: never }
  | { readonly granted?: never; readonly refused: Response }

/** Looks at the head of a request; its body is the host's. Never rejects. */
export type Guard = (request: Request, peer?: Peer) => Promise<GuardOutcome>

/**
 * A guard for routes that the host writes by hand: the stages request, auth, tenant and policy of the pipeline, the same ones, in
 * their order.
 * @param permission `site:update`; null asks for a valid credential in an active tenant and nothing more
 * @throws StartupError for a permission there is none, with the nearest names
 */
export function guardOf(platform: Platform, permission: string | null): Guard {
  const asked = permission === null ? null : askedBy(platform, permission)
  return async (request, peer) => {
    const outcome = await guardRequest(platform, asked, request, peer)
    return 'refused' in outcome
      ? outcome
      : { granted: grantedTo(platform, outcome, guardedAction(asked, request.method)) }
  }
}

/** Prints an error of Plinth as its routes do; undefined for any other, which is the host's own. */
export function problemOf(platform: Platform, error: unknown, request: Request): Response | undefined {
  return PlinthError.is(error) ? respondTo(platform, receive(platform, request), error) : undefined
}

function askedBy(platform: Platform, permission: string): Asked {
  const [model = '', verb = '', ...rest] = permission.split(':')
  const { permissions, resources } = platform.registry
  const number = rest.length === 0 ? permissions.numberOf(model, verb) : undefined
  const resource = resources.find((one) => one.name === model)
  if (number === undefined || !resource) {
    throw new StartupError([
      {
        path: `guard '${permission}'`,
        problem: 'there is no such permission',
        fix: nearestPermissions(permissions, permission),
      },
    ])
  }
  const fresh = resource.actions.find((action) => action.name === verb)?.fresh
  return { resource, verb, permission: number, fresh }
}

function grantedTo(
  platform: Platform,
  { principal, tenant, requestId, client, limits }: Passed,
  action: string,
): Granted {
  return {
    principal,
    tenant,
    requestId,
    client,
    can: (permission) => can(platform.registry.permissions, principal, permission),
    async as(work) {
      const scope = scopeOf(platform, { principal, tenant, requestId, client })
      const denied = (): DeniedWork => ({ who: principal, tenantId: tenant.id, requestId, client, action })
      return tellingDenial(platform, denied, () =>
        platform.database.transaction(scope, (transaction) =>
          work(transactionContext({ platform, scope, transaction, principal, tenant })),
        ),
      )
    },
    headers: {
      'cache-control': 'private, no-cache',
      vary: VARY,
      'x-request-id': requestId,
      ...rateHeaders(limits),
    },
  }
}
