import { and, compare, oneOf, type Condition } from '../condition/condition.ts'
import { problem } from '../errors/plinth-error.ts'
import type { Registry } from '../platform/registry.ts'
import type { Transaction } from '../ports/database.ts'
import { fieldOf, type ResourceInfo } from '../resource/resource-info.ts'

/** Whether deleting such a row needs {@link refuseUsed}: a template that goes softly, behind the foreign key's back. */
export function goesSoftly(registry: Registry, resource: ResourceInfo): boolean {
  return registry.templates.ofTemplate.has(resource) && resource.byKey.has('deletedAt')
}

/**
 * A template that something inherits from live stays. Rows pinned to what it said keep that, and do not hold it. Called after the
 * deletion, in its transaction, under `holdTemplates`: nothing can attach meanwhile.
 * @throws still_referenced
 */
export async function refuseUsed(
  registry: Registry,
  resource: ResourceInfo,
  ids: readonly string[],
  transaction: Transaction,
): Promise<void> {
  const link = registry.templates.ofTemplate.get(resource)
  if (!link) return
  const exists = async (of: ResourceInfo, where: Condition): Promise<boolean> => {
    const field = fieldOf(of, 'id')
    const sort = [{ field, descending: false }]
    const rows = await transaction.list({
      resource: of,
      where,
      sort,
      after: undefined,
      limit: 1,
      offset: 0,
      fields: [field],
    })
    return rows.length > 0
  }
  const live = and(oneOf('templateId', ids), compare('inheritance', 'eq', 'live'))
  if ((await exists(link.instance, live)) || (await exists(link.template, oneOf('parentTemplateId', ids)))) {
    throw problem('still_referenced', { detail: 'Something inherits from this template live.' })
  }
}
