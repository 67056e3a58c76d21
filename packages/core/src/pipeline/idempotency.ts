import { logEvents } from '../logging/events.ts'
import { problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'
import type { Scope, Transaction } from '../ports/database.ts'
import type { IdempotencyKey, KeyClaim } from '../ports/idempotency-key.ts'
import type { TextAnswer } from './answer.ts'
import type { Call } from './call.ts'
import type { AnswerGuard } from './still-shown.ts'

interface KeptAnswer extends TextAnswer {
  readonly sight?: string
  readonly reach?: string
}

/** What an answer depends on beside the request: who has lost some of it since is not given the answer again. */
export interface KeptFor {
  /** What the principal reads of restricted fields. */
  readonly sight: string
  readonly guard: AnswerGuard
}

const KEPT_FOR = 24 * 3_600_000
/** The purpose of the signature over a request. */
const FINGERPRINT = 'idempotency'

/**
 * The `Idempotency-Key` of a request (draft-ietf-httpapi-idempotency-key-header): 1–255 visible ASCII, quotes optional.
 * @throws invalid_idempotency_key
 */
export function idempotencyKeyOf(
  { secrets }: Pick<Platform, 'secrets'>,
  headers: Readonly<Record<string, string>>,
  digest: () => string,
): IdempotencyKey | undefined {
  const header = headers['idempotency-key']
  if (header === undefined) return undefined
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw problem('invalid_idempotency_key')
  const request = digest()
  return {
    key,
    fingerprint: secrets.sign(FINGERPRINT, request),
    matches: (fingerprint) => secrets.verify(FINGERPRINT, request, fingerprint),
  }
}

/**
 * How a call writes. With a key: claim it, do the work, keep the answer, all in the transaction of the work, so that an answer
 * is kept exactly when its effect is. An error rolls back and keeps nothing; the client may try again.
 *
 * @param keptFor left out where an answer is about nobody but the principal himself
 */
export function withIdempotency(
  platform: Platform,
  scope: Scope,
  key: IdempotencyKey | undefined,
  keptFor?: KeptFor,
): Pick<Call, 'write' | 'transact' | 'transactAsSystem' | 'replay'> {
  const { database } = platform
  if (!key) {
    return {
      write: (work) => work(database.session(scope)),
      transact: (work) => database.transaction(scope, work),
      transactAsSystem: (work) => database.system(async (system) => work(system, await system.within(scope))),
      replay: () => Promise.resolve(undefined),
    }
  }
  const context = `${scope.tenantId}|${scope.actor.kind}:${scope.actor.id}|${key.key}`
  const { sight = '', guard } = keptFor ?? {}
  const kept = async (transaction: Transaction, claim: KeyClaim): Promise<TextAnswer | undefined> => {
    if (claim.found === 'other') throw problem('idempotency_key_reused')
    if (claim.found === 'running') throw problem('idempotency_in_progress', { headers: { 'retry-after': '1' } })
    if (claim.found !== 'answer') return undefined
    const {
      sight: seen = '',
      reach,
      ...answer
    } = JSON.parse(platform.secrets.open(claim.sealed, context)) as KeptAnswer
    if (answer.once !== undefined)
      throw problem('answer_not_repeatable', { detail: `The request was carried out; it made ${answer.once}.` })
    if (seen !== sight)
      throw problem('answer_not_repeatable', {
        detail: 'It was carried out; what you may read of it has changed since.',
      })
    await guard?.refuse(transaction, answer, reach)
    platform.log.info(logEvents.idempotencyReplayed, { requestId: scope.requestId })
    return { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } }
  }
  const once = async (transaction: Transaction, work: () => Promise<TextAnswer>): Promise<TextAnswer> => {
    const before = await kept(transaction, await transaction.claimKey(key))
    if (before) return before
    const answer = await work()
    // What is shown once is kept nowhere, sealed or not.
    const repeatable =
      answer.once === undefined ? answer : { status: answer.status, headers: {}, body: null, once: answer.once }
    const keeping: KeptAnswer = { ...repeatable, sight, ...(guard && { reach: guard.reach }) }
    const sealed = platform.secrets.seal(JSON.stringify(keeping), context)
    await transaction.keepAnswer(key, sealed, new Date(scope.now.getTime() + KEPT_FOR))
    return answer
  }
  const transact = (work: (transaction: Transaction) => Promise<TextAnswer>): Promise<TextAnswer> =>
    database.transaction(scope, (transaction) => once(transaction, () => work(transaction)))
  return {
    write: transact,
    transact,
    transactAsSystem: (work) =>
      database.system(async (system) => {
        const transaction = await system.within(scope)
        return once(transaction, () => work(system, transaction))
      }),
    replay: () =>
      database.transaction(scope, async (transaction) => kept(transaction, await transaction.claimKey(key))),
  }
}
