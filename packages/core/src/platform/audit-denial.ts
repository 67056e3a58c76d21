import type { Actor } from '../auth/principal.ts'
import type { Client } from '../client/client.ts'
import { PlinthError } from '../errors/plinth-error.ts'
import { behalfOf } from '../policy/behalf-of.ts'
import type { Platform } from './platform.ts'
import { noteTold, wasTold } from './told-denials.ts'

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
 * Runs code in somebody's name and tells what it is denied, once, however many such calls are within each other; the error goes on to
 * whoever called.
 * @param denied asked when it is known
 */
export async function tellingDenial<T>(
  platform: Pick<Platform, 'audit' | 'clock'>,
  denied: () => DeniedWork,
  work: () => Promise<T>,
): Promise<T> {
  const since = performance.now()
  try {
    return await work()
  } catch (error) {
    if (isDenial(error)) {
      const to = denied()
      if (!wasTold(error, to, since)) tell(platform, to, error)
      noteTold(error, to)
    }
    throw error
  }
}

/**
 * Tells that code was denied something in somebody's name; what went wrong in another way is the code's own. Of an error that the code
 * catches itself nobody hears: it was an answer to a question. Nor again of what `plinth.as` has told.
 */
export function auditDenial(platform: Pick<Platform, 'audit' | 'clock'>, denied: DeniedWork, error: unknown): void {
  if (isDenial(error) && !wasTold(error, denied)) tell(platform, denied, error)
}

function isDenial(error: unknown): error is PlinthError {
  return PlinthError.is(error) && error.status === 403
}

function tell(
  platform: Pick<Platform, 'audit' | 'clock'>,
  { who, tenantId, requestId, client, action, target }: DeniedWork,
  error: PlinthError,
): void {
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
