import type { StartupFault } from '../errors/startup-error.ts'
import type { Registry } from '../platform/registry.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import { linksOf, type Link } from '../link/link.ts'
import { camelCase } from '../table/snake-case.ts'
import type { TemplateLink } from '../template/link.ts'

/** What can be read beside a row of a resource by `include=`. It follows from `belongsTo`, seen from either end. */
export type Relation =
  /** The parent that a reference of this row points at: `siteId` → `site`. */
  | { readonly kind: 'one'; readonly name: string; readonly target: ResourceInfo; readonly field: FieldInfo }
  /** The rows that point at this one: `monitors` of a site. */
  | { readonly kind: 'many'; readonly name: string; readonly target: ResourceInfo; readonly field: FieldInfo }
  /** Rows of another resource that a table between ties to this one: `tags` of a site. */
  | { readonly kind: 'linked'; readonly name: string; readonly target: ResourceInfo; readonly link: Link }
  /** No rows: what the params of this row come to with all that they inherit from templates. */
  | { readonly kind: 'resolved'; readonly name: string; readonly target: ResourceInfo; readonly link: TemplateLink }

const made = new WeakMap<Registry, Map<ResourceInfo, ReadonlyMap<string, Relation>>>()

/** The relations of a resource by the name that `include` takes. Worked out once. */
export function relationsOf(registry: Registry, resource: ResourceInfo): ReadonlyMap<string, Relation> {
  const known = made.get(registry) ?? new Map<ResourceInfo, ReadonlyMap<string, Relation>>()
  made.set(registry, known)
  const kept = known.get(resource)
  if (kept) return kept
  // Of two with one name the start was refused.
  const relations = new Map(allRelations(registry, resource).map((relation) => [relation.name, relation]))
  known.set(resource, relations)
  return relations
}

/** A name for two things would be a guess: both are named, with the line that tells them apart. */
export function verifyRelations(registry: Registry, faults: StartupFault[]): void {
  for (const resource of registry.resources) {
    const seen = new Map<string, Relation>()
    for (const relation of allRelations(registry, resource)) {
      const other = seen.get(relation.name)
      seen.set(relation.name, relation)
      if (!other && !resource.byKey.has(relation.name)) continue
      if (relation.kind === 'resolved') {
        faults.push({
          path: `resource ${resource.name}.fields.${relation.name}`,
          problem: 'has the name under which the resolved params are included',
          fix: 'give the column another name',
        })
        continue
      }
      if (relation.kind === 'linked') {
        faults.push({
          path: `resource ${resource.name}.links.${relation.name}`,
          problem: `include=${relation.name} would mean ${other ? wordsOf(other) : `the column ${relation.name}`} too`,
          fix: `links: { linked${relation.name[0]!.toUpperCase()}${relation.name.slice(1)}: … }`,
        })
        continue
      }
      const taken = other ? wordsOf(other) : `the column ${relation.name}`
      faults.push({
        path: pathOf(resource, relation),
        problem: `include=${relation.name} of ${resource.name} would mean ${taken} and ${wordsOf(relation)}`,
        fix:
          relation.kind === 'one'
            ? `give the column ${relation.name}, or the reference ${relation.field.key}, another name`
            : `${relation.field.key}: belongsTo(() => …, { inverse: '${otherName(relation)}' })`,
      })
    }
  }
}

function allRelations(registry: Registry, resource: ResourceInfo): readonly Relation[] {
  return [
    ...resolved(registry, resource),
    ...parents(registry, resource),
    ...children(registry, resource),
    ...linksOf(registry, resource).map((link): Relation => ({
      kind: 'linked',
      name: link.name,
      target: link.target,
      link,
    })),
  ]
}

/** Of a row that comes from templates, and of a template: whoever may read it may know what it inherits. */
function resolved(registry: Registry, resource: ResourceInfo): readonly Relation[] {
  const { ofInstance, ofTemplate } = registry.templates
  const link = ofInstance.get(resource) ?? ofTemplate.get(resource)
  return link ? [{ kind: 'resolved', name: 'resolved', target: resource, link }] : []
}

function parents(registry: Registry, resource: ResourceInfo): readonly Relation[] {
  return resource.fields.flatMap((field): Relation[] => {
    const target = field.reference && registry.byTable.get(field.reference.to() as object)
    // Only a key that says so names its row: `siteId` → `site`. What cannot be read by itself cannot be included either.
    if (!target?.operations.read || isKept(field) || !/.Id$/.test(field.key)) return []
    return [{ kind: 'one', name: field.key.slice(0, -2), target, field }]
  })
}

function children(registry: Registry, resource: ResourceInfo): readonly Relation[] {
  return registry.resources.flatMap((child) =>
    child.operations.list
      ? child.fields.flatMap((field): Relation[] => {
          if (!field.reference || isKept(field) || registry.byTable.get(field.reference.to() as object) !== resource)
            return []
          return [{ kind: 'many', name: field.reference.inverse ?? camelCase(child.sqlName), target: child, field }]
        })
      : [],
  )
}

/** A reference that is not told to anybody tells nothing by way of the rows at its ends. */
function isKept(field: FieldInfo): boolean {
  return field.hidden || field.secret
}

type Referring = Extract<Relation, { kind: 'one' | 'many' }>

function pathOf(resource: ResourceInfo, relation: Referring): string {
  const holder = relation.kind === 'one' ? resource : relation.target
  return `resource ${holder.name}.fields.${relation.field.key}`
}

function wordsOf(relation: Relation): string {
  if (relation.kind === 'resolved') return 'its resolved params'
  if (relation.kind === 'linked') return `the linked ${relation.target.path}`
  return relation.kind === 'one'
    ? `what ${relation.field.key} points at`
    : `the ${relation.target.path} by their ${relation.field.key}`
}

/** `primarySiteId` of monitors → `primarySiteMonitors`. */
function otherName({ field, name }: Referring): string {
  return `${field.key.replace(/Id$/, '')}${name[0]!.toUpperCase()}${name.slice(1)}`
}
