import type { Principal } from '../auth/principal.ts'
import type { Condition, Facts } from '../condition/condition.ts'
import type { Registry } from '../platform/registry.ts'
import type { RawRow, Session } from '../ports/database.ts'
import { admittedAmong } from '../resource/admitted.ts'
import { isVisible, type FieldInfo, type ResourceInfo } from '../resource/resource-info.ts'
import { fieldPermission } from './field-permission.ts'

/**
 * Which fields of a resource are shown to one principal. A read without a view gives no restricted field at all: what forgets to ask
 * shows too little, never too much.
 */
export interface FieldView {
  /** What is withheld, and where, as one text: '' for nothing. */
  readonly key: string
  /** Those shown on some row at least. The very array `resource.fields` where nothing is withheld. */
  readonly fields: readonly FieldInfo[]
  /** Those shown only on rows for which the condition holds, by their key. */
  readonly perRow: ReadonlyMap<string, Condition>
}

const everywhere: ReadonlyMap<string, Condition> = new Map()

interface Restricted {
  readonly fields: readonly FieldInfo[]
  readonly open: FieldView
  readonly views: Map<string, FieldView>
}

const known = new WeakMap<ResourceInfo, Restricted>()

function restrictedOf(resource: ResourceInfo): Restricted {
  const kept = known.get(resource)
  if (kept) return kept
  const made: Restricted = {
    fields: resource.fields.filter((field) => field.readRestricted),
    open: { key: '', fields: resource.fields, perRow: everywhere },
    views: new Map(),
  }
  known.set(resource, made)
  return made
}

/** Every field: for what is decided about a row and not shown of it. */
export function openView(resource: ResourceInfo): FieldView {
  return restrictedOf(resource).open
}

/** No restricted field. */
export function closedView(resource: ResourceInfo): FieldView {
  const { fields } = restrictedOf(resource)
  return viewOf(
    resource,
    fields.map((field) => [field, undefined]),
  )
}

/** What was worked out once for the rights of a principal, which decide each permission once and for all. */
const worked = new WeakMap<Principal['permissions'], Map<ResourceInfo, FieldView>>()

/** What this principal reads of the fields. Where none is restricted, all, at no cost. */
export function fieldView(
  { permissions: numbers }: Pick<Registry, 'permissions'>,
  { permissions }: Pick<Principal, 'permissions'>,
  resource: ResourceInfo,
): FieldView {
  const { fields, open } = restrictedOf(resource)
  if (fields.length === 0) return open
  const views = worked.get(permissions) ?? new Map<ResourceInfo, FieldView>()
  worked.set(permissions, views)
  const kept = views.get(resource)
  if (kept) return kept
  const withheld: [FieldInfo, Condition | undefined][] = []
  for (const field of fields) {
    const condition = permissions.condition(fieldPermission(numbers, resource, field, 'read'))
    if (condition.kind !== 'always') withheld.push([field, condition.kind === 'never' ? undefined : condition])
  }
  const view = viewOf(resource, withheld)
  views.set(resource, view)
  return view
}

/** Roles are few; what stands in conditions beside them may be much. Beyond this many, views are made and thrown away. */
const KEPT_VIEWS = 64

/** @param withheld the fields that are not shown on every row; without a condition, on none */
function viewOf(resource: ResourceInfo, withheld: readonly (readonly [FieldInfo, Condition | undefined])[]): FieldView {
  const { open, views } = restrictedOf(resource)
  if (withheld.length === 0) return open
  const key = withheld.map(([field, condition]) => `${field.key} ${condition ? textOf(condition) : '-'}`).join('\n')
  const kept = views.get(key)
  if (kept) return kept
  const nowhere = new Set(withheld.filter(([, condition]) => !condition).map(([field]) => field))
  const perRow = withheld.flatMap(([field, condition]) => (condition ? [[field.key, condition] as const] : []))
  const made: FieldView = {
    key,
    fields: resource.fields.filter((field) => !nowhere.has(field)),
    perRow: perRow.length === 0 ? everywhere : new Map(perRow),
  }
  if (views.size < KEPT_VIEWS) views.set(key, made)
  return made
}

const texts = new WeakMap<Condition, string>()

function textOf(condition: Condition): string {
  const kept = texts.get(condition) ?? JSON.stringify(condition)
  texts.set(condition, kept)
  return kept
}

/** Whether the field is shown on every row: only then may it be filtered, sorted and searched by, or asked for by its name. */
export function shownEverywhere(view: FieldView, field: FieldInfo): boolean {
  return !field.readRestricted || (view.fields.includes(field) && !view.perRow.has(field.key))
}

/** The fields that may be asked for by name: those that are shown on every row. */
export function namedFields(view: FieldView): readonly string[] {
  return view.fields.filter((field) => isVisible(field) && shownEverywhere(view, field)).map((field) => field.key)
}

/** The name under which a row tells that a field is shown on it. No column is called so. */
export function shownMark(key: string): string {
  return `?${key}`
}

/** Whether the field is shown on this row, which was read by the view or marked by {@link markShown}. */
export function shownOn(view: FieldView, field: FieldInfo, row: RawRow): boolean {
  return !view.perRow.has(field.key) || row[shownMark(field.key)] === true
}

/** The same marks for rows that were read whole: what a write gave back. A statement only where the ACL has a say. */
export async function markShown(
  session: Pick<Session, 'aclEntries'>,
  view: FieldView,
  resource: ResourceInfo,
  rows: readonly RawRow[],
  facts: Facts,
): Promise<readonly RawRow[]> {
  if (view.perRow.size === 0 || rows.length === 0) return rows
  const shown = new Map<string, ReadonlySet<RawRow>>()
  for (const [key, condition] of view.perRow)
    shown.set(shownMark(key), new Set(await admittedAmong(session, resource, rows, condition, facts)))
  return rows.map((row) => ({
    ...row,
    ...Object.fromEntries([...shown].map(([mark, among]) => [mark, among.has(row)])),
  }))
}

const inRegistry = new WeakMap<Registry['permissions'], readonly ResourceInfo[]>()

/**
 * What this principal reads of all restricted fields, as one text: an answer that was kept is given again only to who still reads
 * the same. Empty where nothing is withheld from anybody.
 */
export function sightOf(
  registry: Pick<Registry, 'permissions' | 'resources'>,
  principal: Pick<Principal, 'permissions' | 'groupIds'>,
): string {
  const restricted =
    inRegistry.get(registry.permissions) ??
    registry.resources.filter((resource) => resource.fields.some((field) => field.readRestricted))
  inRegistry.set(registry.permissions, restricted)
  if (restricted.length === 0) return ''
  const views = restricted.map((resource) => fieldView(registry, principal, resource))
  // Of a condition on rows, the groups are a part.
  const groups = views.some((view) => view.perRow.size > 0) ? [...principal.groupIds].sort().join() : ''
  return JSON.stringify([groups, ...views.map((view) => view.key)])
}
