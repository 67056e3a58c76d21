import { createHash } from 'node:crypto'
import {
  fieldView,
  jsonAnswer,
  refuseQuery,
  rowPrinter,
  timeInput,
  validate,
  type Actor,
  type Call,
  type StatementRunner,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import { backgroundJobs } from '../job-resource.ts'

/** @param types names of the jobs that may be asked for from outside */
export function newJob(types: readonly string[]) {
  return z
    .strictObject({
      type: z.enum(types as [string, ...string[]]).meta({ description: 'The name of the job' }),
      input: z.unknown().meta({ description: 'What the job takes' }).optional(),
      at: timeInput().meta({ description: 'Not before this time' }).optional(),
      delay: z
        .string()
        .regex(/^[1-9][0-9]{0,8}[smhd]$/)
        .meta({ description: 'Not before so much time has gone: `10m`' })
        .optional(),
      priority: z.int().min(-100).max(100).default(0).meta({ description: 'Higher ones of the tenant go first' }),
      idempotencyKey: z
        .string()
        .regex(/^[\x20-\x7e]{1,200}$/)
        .meta({ description: 'The same key of the same caller makes one job' })
        .optional(),
    })
    .refine(({ at, delay }) => at === undefined || delay === undefined, {
      path: ['delay'],
      message: 'Give at or delay, not both',
      params: { code: 'not_applicable' },
    })
    .meta({ id: 'NewJob' })
}

/** @throws validation_failed, queue_full, permission_denied */
export async function createJob(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, request, scope } = call
  const { registry, basePath } = platform
  const requested = [...registry.jobs.values()].filter((job) => job.requested).map((job) => job.name)
  const { type, input = {}, at, idempotencyKey, ...options } = validate(newJob(requested), call.body)
  const job = registry.jobs.get(type)!
  // By its place in the body, which the queue knows nothing of.
  validate(z.object({ input: job.input }), { input })
  const resource = registry.byTable.get(backgroundJobs)!
  return call.transact(async (transaction) => {
    const { principal } = request
    const parts = { transaction, scope, principal }
    const given = {
      ...options,
      ...(at && { at: new Date(at) }),
      ...(idempotencyKey !== undefined && { idempotencyKey: keyOf(principal, idempotencyKey) }),
    }
    const { id, created } = await platform.jobs!.enqueue(parts, job, input, given)
    if (created) await tell(transaction, call, id, type)
    const view = fieldView(registry, principal, resource)
    const row = await transaction.read({ resource, id, visible: call.visible, view })
    const printer = rowPrinter(resource, view)
    const location = `${basePath}/api/v1/jobs/${id}`
    return jsonAnswer(202, row ? printer.print(row) : JSON.stringify({ id }), { location })
  })
}

/** That it was asked for, in the transaction of the job. What code asks for is part of what that code did. */
async function tell(runner: StatementRunner, { platform, scope }: Call, id: string, type: string): Promise<void> {
  const { tenantId, actor, onBehalfOf, requestId, client, now: time } = scope
  const detail = { type }
  await platform.audit?.record(runner, {
    tenantId,
    actor,
    onBehalfOf,
    action: 'job.created',
    target: id,
    requestId,
    client,
    time,
    detail,
  })
}

/**
 * Keys of the outside are each caller's own, and none is one of the code or of the clock: whoever guessed such a key would have his job
 * stand in the place of another one, and be told whose it is.
 */
function keyOf({ kind, id }: Actor, key: string): string {
  return `asked ${createHash('sha256')
    .update(JSON.stringify([kind, id, key]))
    .digest('base64url')}`
}
