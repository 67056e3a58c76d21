import type { Scope } from '@plinth/core'
import type { Runner } from '../session/runner.ts'

/** Another seed than that of idempotency keys: a stranger chooses those, and must not be able to take a hold. */
const SEED = 7_305_512_207

const text = (lock: string): string => `select ${lock}(hashtextextended($1::text, ${SEED}))::text as "held"`
const texts = { shared: text('pg_advisory_xact_lock_shared'), alone: text('pg_advisory_xact_lock') }

/** A statement of its own: what comes after it has a snapshot that is younger than the lock. */
export async function hold(runner: Runner, scope: Scope, name: string, how: keyof typeof texts): Promise<void> {
  const parameters = [`${scope.tenantId.toLowerCase()}|${name}`]
  await runner.run({ text: texts[how], parameters, shape: 'fixed' }, 'other')
}
