import { randomUUID } from 'node:crypto'
import {
  faultsAt,
  givenTime,
  problem,
  readDuration,
  statement,
  type EnqueuedJob,
  type EnqueueOptions,
  type EnqueueParts,
  type Job,
  type Platform,
} from '@plinth/core'
import type { Depth } from './depth.ts'
import { insertJob, type NewJobRow } from './insert-job.ts'
import { keyOf } from './job-key.ts'
import { sealJob, type Asker } from './seal-job.ts'

/** Bytes of an input as JSON. What is larger belongs into a table or a file, and its id into the job. */
const MOST_INPUT = 262_144
const DEFAULT_ATTEMPTS = 5

/**
 * Writes one row into the transaction; asked for at once, many in a few statements.
 * @throws validation_failed, queue_full
 */
export async function enqueue(
  platform: Platform,
  depth: Depth,
  parts: EnqueueParts,
  job: Job,
  input: unknown,
  options: EnqueueOptions,
): Promise<EnqueuedJob> {
  if (platform.registry.jobs.get(job.name) !== job)
    throw new Error(`the job ${job.name} is none of this platform: add it to createPlinth({ jobs: […] })`)
  const { transaction, scope, principal } = parts
  const parsed = parseInput(job, input)
  // As it was given: what the schema makes of it is made when the job runs, by the schema of that day.
  const payload = JSON.stringify(input ?? null)
  if (Buffer.byteLength(payload) > MOST_INPUT) throw refused('The input is longer than 256 KiB as JSON')
  const { idempotencyKey = null, priority = 0, as: service } = options
  if (!Number.isInteger(priority) || Math.abs(priority) > 100) throw refused('The priority is from -100 to 100')
  if (idempotencyKey !== null && !/^[\x20-\x7e]{1,200}$/.test(idempotencyKey))
    throw refused('The idempotency key is 1 to 200 printable characters')
  const asker: Asker = {
    principalKind: service === undefined ? principal.kind : 'service',
    principalId: service ?? principal.id,
    userId: principal.userId,
    secondFactor: service === undefined && principal.session?.secondFactor === true,
  }
  const { tenantId, now, requestId, traceparent = null } = scope
  const [id, type, key] = [randomUUID(), job.name, keyOf(job, parsed)]
  const row: NewJobRow = {
    tenantId,
    id,
    type,
    payload,
    key,
    priority,
    attempts: job.retry.attempts ?? DEFAULT_ATTEMPTS,
    createdAt: now,
    ...timeOf(options),
    now: givenTime(platform) && now,
    idempotencyKey,
    asker,
    requestId,
    traceparent,
    ...sealJob(platform, { tenantId, id, type, key, payload, createdAt: now, ...asker }),
  }
  const counting = depth.takePlace(transaction, tenantId)
  if (counting) await counting
  // Again where the job of this key was there and is gone when it is looked for: its time of keeping was over.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (await insertJob(transaction, row)) return { id, created: true }
    // The insert waited for whoever was writing the same key, so that his row is there now.
    const [known] = await transaction.run(statement`
      select id from plinth.background_jobs
      where tenant_id = ${tenantId}::uuid and type = ${type}::text and idempotency_key = ${idempotencyKey}::text`)
    if (known) {
      depth.oneLess(tenantId)
      return { id: String(known['id']), created: false }
    }
  }
  throw problem('conflict', { detail: 'The job of this idempotency key ends at this moment. Ask again.' })
}

function parseInput(job: Job, input: unknown): unknown {
  const parsed = job.input.safeParse(input)
  if (parsed.success) return parsed.data
  throw problem('validation_failed', { errors: faultsAt([], parsed.error, input) })
}

/** A time, or how long from now: by which clock that is, whoever writes it says. */
function timeOf({ at, delay }: EnqueueOptions): Pick<NewJobRow, 'at' | 'delay'> {
  if (at && Number.isNaN(at.getTime())) throw refused('`at` is no time')
  if (at || delay === undefined) return { at: at ?? null, delay: 0 }
  const seconds = readDuration(delay)
  if (seconds === undefined) throw refused(`'${delay}' is no length of time: a whole number and s, m, h or d`)
  return { at: null, delay: seconds }
}

function refused(detail: string): Error {
  return problem('validation_failed', { detail: `${detail}.` })
}
