import type { Actor } from '../auth/principal.ts'
import type { Client } from '../client/client.ts'
import { PlinthError } from '../errors/plinth-error.ts'
import { behalfOf } from '../policy/behalf-of.ts'
import type { Platform } from './platform.ts'

/** In whose name code works where no route of ours answers: by `plinth.as`, behind a guard, in a job. */
export interface DeniedWork {
  readonly who: Actor & { readonly userId: string | null }
  readonly tenantId: string | null
  readonly requestId: string
  readonly client?: Client | undefined
  /** What it is called where the error names no permission. */
  readonly action: string
  readonly target?: string | undefined
}

/**
 * Tells that code was denied something in somebody's name; what went wrong in another way is the code's own. Of an error that the code
 * catches itself nobody hears: it was an answer to a question.
 */
export function auditDenial(
  platform: Pick<Platform, 'audit' | 'clock'>,
  { who, tenantId, requestId, client, action, target }: DeniedWork,
  error: unknown,
): void {
  if (!PlinthError.is(error) || error.status !== 403) return
  platform.audit?.refused({
    action: error.asked?.replace(':', '.') ?? action,
    target: error.asked === undefined ? target : undefined,
    actor: { kind: who.kind, id: who.id },
    onBehalfOf: behalfOf(who),
    tenantId,
    outcome: 'denied',
    requestId,
    client,
    time: platform.clock.now(),
    detail: { status: error.status, code: error.code },
  })
}
