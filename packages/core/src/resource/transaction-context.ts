import { inputSchemas } from '../input/schemas.ts'
import { validateDraft } from '../input/validate.ts'
import type { JobQueue } from '../job/job-queue.ts'
import type { Platform } from '../platform/platform.ts'
import type { Transaction } from '../ports/database.ts'
import { problem } from '../errors/plinth-error.ts'
import { createRow } from '../write/create-row.ts'
import { deleteRow } from '../write/delete-row.ts'
import { isSoft } from '../write/family.ts'
import { restoreRow } from '../write/restore-row.ts'
import { updateRow } from '../write/update-row.ts'
import type { WriteParts } from '../write/write-parts.ts'
import type { Context } from './context.ts'
import { withOwnerGroup } from './new-row-scope.ts'
import { keepId } from './row-id.ts'
import {
  decodeWritten,
  linkOf,
  permitted,
  reach,
  readingContext,
  resourceOf,
  type ReadingParts,
} from './reading-context.ts'

interface TransactionParts extends Omit<ReadingParts, 'session'> {
  readonly transaction: Transaction
  /** How many hooks led here. */
  readonly depth?: number
}

/** The `ctx` of actions, jobs and scripts: every operation asks the principal's permissions, as over HTTP. */
export function transactionContext(given: TransactionParts): Context {
  const { platform, transaction } = given
  const parts: WriteParts = { depth: 0, ...given, session: transaction, contextOf: transactionContext }
  const context: Context = {
    ...readingContext(parts),
    emit: ({ type }, key, data) => transaction.emit({ type, key, data }),
    async clone(table, template, draft) {
      const link = linkOf(platform, table)
      const shared = typeof template === 'string' ? undefined : template.shared
      const { visible } = reach(parts, link.template, 'read', '')
      const known =
        typeof template === 'string'
          ? await transaction.read({ resource: link.template, id: template, visible })
          : link.shared.get(template.shared)
      if (!known || known['retired'] === true) throw problem('not_found')
      const from = shared === undefined ? { templateId: template } : { sharedTemplate: shared }
      return context.create(table, { ...draft, ...from })
    },
    async lock(table, id) {
      const resource = resourceOf(platform, table)
      const { visible } = reach(parts, resource, 'read', id)
      if (!(await transaction.lock({ resource, id, visible }))) throw problem('not_found')
      // Read as ever: what hooks and field rules hide is hidden here, too.
      return context.read(table, id)
    },
    async create(table, draft) {
      const resource = resourceOf(platform, table)
      const whole = validateDraft(resource, inputSchemas(resource).whole, draft as Record<string, unknown>)
      const values = withOwnerGroup(resource, permitted(parts, resource, 'create'), given.scope.facts, whole)
      return decodeWritten(parts, resource, await createRow(parts, resource, values))
    },
    async update(table, id, patch, { ifVersion } = {}) {
      const resource = resourceOf(platform, table)
      const { visible, allowed, covered } = reach(parts, resource, 'update', id)
      const values = validateDraft(resource, inputSchemas(resource).part, patch as Record<string, unknown>)
      keepId(resource, id, values)
      const event = covered?.event ?? 'updated'
      const row = await updateRow(parts, { resource, id, visible, allowed, ifVersion, event, values })
      if (values.size > 0) covered?.onChange()
      return decodeWritten(parts, resource, row)
    },
    async delete(table, id, { ifVersion } = {}) {
      const resource = resourceOf(platform, table)
      const { visible, allowed, covered } = reach(parts, resource, 'delete', id)
      await deleteRow(parts, { resource, id, visible, allowed, ifVersion, event: covered?.event ?? 'deleted' })
      covered?.onChange()
    },
    async restore(table, id, { ifVersion } = {}) {
      const resource = resourceOf(platform, table)
      if (!isSoft(resource)) throw new Error(`${resource.name} is not deleted softly, so there is nothing to restore`)
      const { visible, allowed } = reach(parts, resource, 'restore', id)
      const operation = { resource, id, visible, allowed, ifVersion, event: 'restored' }
      return decodeWritten(parts, resource, await restoreRow(parts, operation))
    },
    async enqueue(job, input, options = {}) {
      return queueOf(platform).enqueue(given, job, input, options)
    },
    async once(key, work) {
      return queueOf(platform).once(given, key, work)
    },
    async jobCounts(key) {
      return queueOf(platform).count(given, key)
    },
  }
  return context
}

function queueOf({ jobs }: Platform): JobQueue {
  if (jobs) return jobs
  throw new Error("nothing runs jobs: add jobs() of '@plinth/jobs' to the features")
}
