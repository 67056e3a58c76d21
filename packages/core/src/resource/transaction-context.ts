import { uuidv7 } from 'uuidv7'
import { inputSchemas } from '../input/schemas.ts'
import { validateDraft } from '../input/validate.ts'
import type { Transaction } from '../ports/database.ts'
import { changedRow } from '../routes/resource/outcome.ts'
import type { Context } from './context.ts'
import { refuseOutOfScope } from './new-row-scope.ts'
import { refuseUnseenReferences } from './references.ts'
import { decode, permitted, reach, readingContext, resourceOf, type ReadingParts } from './reading-context.ts'

interface TransactionParts extends Omit<ReadingParts, 'session'> {
  readonly transaction: Transaction
}

/** The `ctx` of actions, jobs and scripts: every operation asks the principal's permissions, as over HTTP. */
export function transactionContext(given: TransactionParts): Context {
  const { platform, transaction, principal } = given
  const parts: ReadingParts = { ...given, session: transaction }
  return {
    ...readingContext(parts),
    async create(table, draft) {
      const resource = resourceOf(platform, table)
      refuseOutOfScope(resource, permitted(parts, resource, 'create'), given.scope.facts)
      const values = validateDraft(resource, inputSchemas(resource).whole, draft as Record<string, unknown>)
      await refuseUnseenReferences(platform.registry, principal, resource, values, transaction)
      const row = await transaction.create({ resource, id: uuidv7(), ownerUserId: principal.userId, values })
      return decode(resource, row)
    },
    async update(table, id, patch, { ifVersion } = {}) {
      const resource = resourceOf(platform, table)
      const { visible, allowed, covered } = reach(parts, resource, 'update', id)
      const values = validateDraft(resource, inputSchemas(resource).part, patch as Record<string, unknown>)
      await refuseUnseenReferences(platform.registry, principal, resource, values, transaction)
      const operation = { resource, id, visible, allowed, ifVersion, event: covered?.event ?? 'updated', values }
      const result = values.size === 0 ? await transaction.probe(operation) : await transaction.update(operation)
      const row = changedRow(result, `${resource.name}:update`)
      if (values.size > 0) covered?.onChange()
      return decode(resource, row)
    },
    async delete(table, id, { ifVersion } = {}) {
      const resource = resourceOf(platform, table)
      const { visible, allowed, covered } = reach(parts, resource, 'delete', id)
      const event = covered?.event ?? 'deleted'
      const result = await transaction.delete({ resource, id, visible, allowed, ifVersion, event })
      changedRow(result, `${resource.name}:delete`)
      covered?.onChange()
    },
  }
}
