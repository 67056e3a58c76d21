import { problem, type InputFault } from '../errors/plinth-error.ts'
import { pointer } from '../input/validate.ts'
import type { Registry } from '../platform/registry.ts'
import type { RawRow, Transaction, UpdateOperation } from '../ports/database.ts'
import { fieldOf, type FieldInfo, type ResourceInfo } from '../resource/resource-info.ts'
import { printPin, readPin } from './level.ts'
import type { TemplateLink } from './link.ts'
import { loadChains, textOrNull, valuesOf, type Chain, type Origin } from './load-levels.ts'
import { resolveLevels } from './resolve.ts'
import { refuseCircle } from './refuse-circle.ts'

type Values = Map<FieldInfo, UpdateOperation['values'] extends ReadonlyMap<FieldInfo, infer V> ? V : never>

/** A write that says something about templates, before it is made. */
export interface TemplatedWrite {
  readonly registry: Registry
  readonly resource: ResourceInfo
  readonly transaction: Transaction
  /** Validated; what follows from them is added. */
  readonly values: Values
  /** The row as it is, locked; undefined for a new one. */
  readonly current: RawRow | undefined
}

const instanceKeys = new Set(['templateId', 'sharedTemplate', 'params', 'inheritance'])
const templateKeys = new Set(['parentTemplateId', 'sharedParent'])

/**
 * Whether templates bear on a write of these fields. Where not, and that is nearly everywhere, it stays one statement; where they
 * do, it takes {@link holdTemplates}, then the lock on the row, then {@link settleTemplates}, in one transaction.
 */
export function concernsTemplates(registry: Registry, resource: ResourceInfo, fields: Iterable<FieldInfo>): boolean {
  const { ofInstance, ofTemplate } = registry.templates
  const keys = ofInstance.has(resource) ? instanceKeys : ofTemplate.has(resource) ? templateKeys : undefined
  if (!keys) return false
  for (const field of fields) if (keys.has(field.key)) return true
  return false
}

/**
 * Keeps the tree of templates as it is until the transaction ends: two templates made each other's parent at once would both see
 * no circle. Rows that attach share the hold, moving a template is alone with it. Before any row lock, or two could wait
 * for each other.
 */
export async function holdTemplates(
  registry: Registry,
  resource: ResourceInfo,
  transaction: Transaction,
): Promise<void> {
  const moved = registry.templates.ofTemplate.get(resource)
  if (moved) return transaction.hold(`templates ${moved.template.name}`, 'alone')
  const link = registry.templates.ofInstance.get(resource)
  // Where templates are really deleted, the foreign key keeps one that is being attached to.
  if (link?.template.byKey.has('deletedAt')) await transaction.hold(`templates ${link.template.name}`, 'shared')
}

/**
 * Checks what a write says about templates and adds what follows from it (the pin). References have been checked before, as
 * those of every row.
 * @throws validation_failed, params_unresolved
 */
export async function settleTemplates(write: TemplatedWrite): Promise<void> {
  const { registry, resource } = write
  if (!concernsTemplates(registry, resource, write.values.keys())) return
  const link = registry.templates.ofInstance.get(resource)
  if (link) return settleInstance(link, write)
  await settleTemplate(registry.templates.ofTemplate.get(resource)!, write)
}

async function settleInstance(link: TemplateLink, write: TemplatedWrite): Promise<void> {
  const { resource, values, current } = write
  const origin = originOf(link, write, 'templateId', 'sharedTemplate')
  const moved = origin.template !== (current?.templateId ?? null) || origin.shared !== (current?.sharedTemplate ?? null)
  const pinned = next(write, 'inheritance') === 'pinned'
  const before = readPin(current?.pinnedLevels)
  const keeps = pinned && before !== undefined && !moved
  const [live] = keeps ? [] : await loadChains(link, [origin], write.transaction)
  const chain: Chain = live ?? { levels: before ?? [], missing: [] }
  const own = valuesOf(next(write, 'params') ?? '{}')
  const levels = [...chain.levels, { source: 'instance', template: null, version: null, values: own } as const]
  const { faults } = resolveLevels(link.params, levels, chain.missing)
  if (moved) refuseMissing(chain, origin.shared === null ? 'templateId' : 'sharedTemplate')
  if (chain.missing.length > 0) throw problem('params_unresolved', { errors: faults })
  if (faults.length > 0) {
    throw problem('validation_failed', {
      errors: faults.map((fault) => ({ ...fault, path: pointer(['params']) + fault.path })),
    })
  }
  const pin = fieldOf(resource, 'pinnedLevels')
  if (pinned && !keeps) values.set(pin, printPin(chain.levels))
  else if (!pinned && current && current.pinnedLevels !== null) values.set(pin, null)
}

async function settleTemplate(link: TemplateLink, write: TemplatedWrite): Promise<void> {
  const origin = originOf(link, write, 'parentTemplateId', 'sharedParent')
  const [above] = await loadChains(link, [origin], write.transaction)
  refuseMissing(above!, origin.shared === null ? 'parentTemplateId' : 'sharedParent')
  const id = write.current === undefined ? undefined : String(write.current.id)
  await refuseCircle(link, id, above!, write.transaction)
}

/**
 * What the row inherits from after the write. One of the two columns at most: given both, nobody could say which comes first;
 * given one, the other is let go.
 * @throws validation_failed
 */
function originOf(link: TemplateLink, write: TemplatedWrite, own: string, shared: string): Origin {
  const { resource, values, current } = write
  const [ownField, sharedField] = [fieldOf(resource, own), fieldOf(resource, shared)]
  const givenOwn = textOrNull(values.get(ownField))
  const givenShared = textOrNull(values.get(sharedField))
  if (givenOwn !== null && givenShared !== null) {
    refuse(shared, 'conflicting', `Give ${own} or ${shared}, not both`)
  }
  if (givenShared !== null && givenShared !== (current?.[shared] ?? null)) {
    const known = link.shared.get(givenShared)
    if (!known || known.retired) refuse(shared, 'reference_not_found', 'There is no such shared template')
  }
  if (givenOwn !== null && current?.[shared] != null) values.set(sharedField, null)
  if (givenShared !== null && current?.[own] != null) values.set(ownField, null)
  return { template: next(write, own), shared: next(write, shared) }
}

/** A template that is not there, another tenant's and one that was deleted: the same words as for every reference. */
function refuseMissing(chain: Chain, key: string): void {
  if (chain.missing.some((fault) => fault.code === 'template_missing'))
    refuse(key, 'reference_not_found', 'There is no such row to refer to')
}

/** The value of a field after the write. */
function next({ resource, values, current }: TemplatedWrite, key: string): string | null {
  const field = fieldOf(resource, key)
  return textOrNull(values.has(field) ? values.get(field) : current?.[key])
}

function refuse(key: string, code: string, message: string): never {
  const errors: InputFault[] = [{ path: pointer([key]), code, message }]
  throw problem('validation_failed', { errors })
}
