import type { Principal } from '../auth/principal.ts'
import type { Condition } from '../condition/condition.ts'
import type { InputFault } from '../errors/plinth-error.ts'
import { fieldView, namedFields, shownEverywhere, type FieldView } from '../fields/field-view.ts'
import { rowPrinter, type RowPrinter } from '../output/print-row.ts'
import type { Registry } from '../platform/registry.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import { relationsOf, type Relation } from './relations.ts'

/** A relation that this principal may follow, and the rows at its end that he may see. */
export interface Includable {
  readonly relation: Relation
  readonly visible: Condition
  /** Which of their restricted fields he reads. */
  readonly view: FieldView
  /** Of a linked resource: the ties that he may see. */
  readonly ties?: Condition
}

/** One include of a request, ready to be read and printed. */
export interface Include extends Includable {
  readonly printer: RowPrinter
}

/** Each costs a statement. */
const MOST_INCLUDES = 5

/**
 * What a principal may include. A relation to what he may not read at all is left out, so that its refusal is that of a
 * relation which was never declared.
 */
export function includable(
  registry: Registry,
  principal: Principal,
  resource: ResourceInfo,
): ReadonlyMap<string, Includable> {
  const found = new Map<string, Includable>()
  const own = fieldView(registry, principal, resource)
  for (const [name, relation] of relationsOf(registry, resource)) {
    const visible = principal.permissions.condition(registry.permissions.numberOf(relation.target.name, 'read')!)
    if (visible.kind === 'never') continue
    const view = fieldView(registry, principal, relation.target)
    // Which rows a restricted reference ties to each other, its value says.
    const holder = relation.kind === 'many' ? view : relation.kind === 'one' ? own : undefined
    if (holder && 'field' in relation && !shownEverywhere(holder, relation.field)) continue
    if (relation.kind === 'linked') {
      const ties = principal.permissions.condition(registry.permissions.numberOf(relation.link.through.name, 'read')!)
      if (ties.kind !== 'never') found.set(name, { relation, visible, view, ties })
    } else found.set(name, { relation, visible, view })
  }
  return found
}

/**
 * Reads `include=site,monitors` and, of `fields`, what is said of them: `fields=id,site.name`.
 * @returns the includes, and the names of `fields` that are the row's own (undefined: all)
 */
export function readIncludes(
  allowed: ReadonlyMap<string, Includable>,
  parameters: ReadonlyMap<string, string>,
  faults: InputFault[],
): { readonly includes: readonly Include[]; readonly ownFields: string | undefined } {
  const text = parameters.get('include')
  const fields = parameters.get('fields')
  // Where nothing may be included, `include` is a parameter like any that does not exist.
  if (text === undefined || allowed.size === 0) return { includes: [], ownFields: fields }
  const names = text.split(',')
  if (names.length > MOST_INCLUDES)
    faults.push({ path: '?include', code: 'too_many', message: `At most ${MOST_INCLUDES}` })
  if (new Set(names).size < names.length)
    faults.push({ path: '?include', code: 'repeated', message: 'A name stands twice' })
  const unknown = names.find((name) => !allowed.has(name))
  if (unknown !== undefined) {
    faults.push({
      path: '?include',
      code: 'unknown_include',
      message: `'${unknown.slice(0, 64)}' cannot be included; allowed: ${[...allowed.keys()].join(', ')}`,
    })
  }
  if (faults.length > 0) return { includes: [], ownFields: undefined }
  const { own, masks } = splitFields(fields, names)
  const includes = names.map((name) => {
    const { relation, ...reach } = allowed.get(name)!
    return {
      relation,
      ...reach,
      printer: rowPrinter(relation.target, reach.view, readRelatedMask(relation, reach.view, masks.get(name), faults)),
    }
  })
  return { includes, ownFields: own }
}

/** `id,site.name,site.url` → `id`, and `name url` of `site`. Names of no include stay with the row, which refuses them. */
function splitFields(
  fields: string | undefined,
  names: readonly string[],
): { readonly own: string | undefined; readonly masks: ReadonlyMap<string, readonly string[]> } {
  const own: string[] = []
  const masks = new Map<string, string[]>()
  for (const part of fields?.split(',') ?? []) {
    const dot = part.indexOf('.')
    const name = part.slice(0, Math.max(dot, 0))
    if (dot < 0 || !names.includes(name)) own.push(part)
    else masks.set(name, [...(masks.get(name) ?? []), part.slice(dot + 1)])
  }
  return { own: own.length === 0 ? undefined : own.join(','), masks }
}

function readRelatedMask(
  { kind, name }: Relation,
  view: FieldView,
  wanted: readonly string[] | undefined,
  faults: InputFault[],
): readonly string[] | undefined {
  if (!wanted) return undefined
  if (kind === 'resolved') {
    faults.push({ path: '?fields', code: 'unknown_field', message: `${name} is included whole` })
    return undefined
  }
  const allowed = namedFields(view)
  const unknown = wanted.find((key) => !allowed.includes(key))
  if (unknown === undefined) return allowed.filter((key) => wanted.includes(key))
  faults.push({
    path: '?fields',
    code: 'unknown_field',
    message: `'${name}.${unknown.slice(0, 64)}' is no field; allowed: ${allowed.map((key) => `${name}.${key}`).join(', ')}`,
  })
  return undefined
}
