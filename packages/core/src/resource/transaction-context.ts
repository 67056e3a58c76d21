import { uuidv7 } from 'uuidv7'
import { inputSchemas } from '../input/schemas.ts'
import { validateDraft } from '../input/validate.ts'
import type { Transaction } from '../ports/database.ts'
import { problem } from '../errors/plinth-error.ts'
import { goesSoftly, refuseUsed } from '../template/refuse-used.ts'
import { concernsTemplates, holdTemplates, settleTemplates } from '../template/settle.ts'
import { changedRow } from '../routes/resource/outcome.ts'
import type { Context } from './context.ts'
import { refuseOutOfScope } from './new-row-scope.ts'
import { refuseUnseenReferences } from './references.ts'
import { decode, linkOf, permitted, reach, readingContext, resourceOf, type ReadingParts } from './reading-context.ts'

interface TransactionParts extends Omit<ReadingParts, 'session'> {
  readonly transaction: Transaction
}

/** The `ctx` of actions, jobs and scripts: every operation asks the principal's permissions, as over HTTP. */
export function transactionContext(given: TransactionParts): Context {
  const { platform, transaction, principal } = given
  const parts: ReadingParts = { ...given, session: transaction }
  const context: Context = {
    ...readingContext(parts),
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
    async create(table, draft) {
      const resource = resourceOf(platform, table)
      refuseOutOfScope(resource, permitted(parts, resource, 'create'), given.scope.facts)
      const values = validateDraft(resource, inputSchemas(resource).whole, draft as Record<string, unknown>)
      if (concernsTemplates(platform.registry, resource, values.keys())) {
        await holdTemplates(platform.registry, resource, transaction)
      }
      await refuseUnseenReferences(platform.registry, principal, resource, values, transaction)
      await settleTemplates({ registry: platform.registry, resource, transaction, values, current: undefined })
      const row = await transaction.create({ resource, id: uuidv7(), ownerUserId: principal.userId, values })
      return decode(resource, row)
    },
    async update(table, id, patch, { ifVersion } = {}) {
      const resource = resourceOf(platform, table)
      const { visible, allowed, covered } = reach(parts, resource, 'update', id)
      const values = validateDraft(resource, inputSchemas(resource).part, patch as Record<string, unknown>)
      const templates = concernsTemplates(platform.registry, resource, values.keys())
      if (templates) await holdTemplates(platform.registry, resource, transaction)
      await refuseUnseenReferences(platform.registry, principal, resource, values, transaction)
      if (templates) {
        const current = await transaction.lock({ resource, id, visible })
        if (!current) throw problem('not_found')
        await settleTemplates({ registry: platform.registry, resource, transaction, values, current })
      }
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
      const softly = goesSoftly(platform.registry, resource)
      if (softly) await holdTemplates(platform.registry, resource, transaction)
      const result = await transaction.delete({ resource, id, visible, allowed, ifVersion, event })
      changedRow(result, `${resource.name}:delete`)
      if (softly) await refuseUsed(platform.registry, resource, id, transaction)
      covered?.onChange()
    },
  }
  return context
}
