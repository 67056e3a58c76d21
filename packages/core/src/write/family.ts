import type { Registry } from '../platform/registry.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'

/** A resource whose rows refer to those of another one. */
export interface Child {
  readonly resource: ResourceInfo
  readonly field: FieldInfo
  readonly onDelete: 'restrict' | 'cascade'
}

const families = new WeakMap<Registry, ReadonlyMap<ResourceInfo, readonly Child[]>>()

/** Who refers to rows of this resource, templates aside: what inherits from a template has rules of its own. */
export function childrenOf(registry: Registry, parent: ResourceInfo): readonly Child[] {
  const known = families.get(registry) ?? readFamilies(registry)
  families.set(registry, known)
  return known.get(parent) ?? []
}

/** The resource that a field refers to. */
export function parentOf(registry: Registry, field: FieldInfo): ResourceInfo | undefined {
  return field.reference && registry.byTable.get(field.reference.to() as object)
}

export function isSoft(resource: ResourceInfo): boolean {
  return resource.byKey.has('deletedAt')
}

/** The fields of a row that refer to what may be softly deleted, behind the foreign key's back. */
export function softReferences(registry: Registry, resource: ResourceInfo): readonly FieldInfo[] {
  return resource.fields.filter((field) => {
    const parent = parentOf(registry, field)
    return parent !== undefined && isSoft(parent)
  })
}

/** Whether a field says which template a row comes from. */
export function isTemplateLink(registry: Registry, resource: ResourceInfo, field: FieldInfo): boolean {
  const { ofInstance, ofTemplate } = registry.templates
  return (
    (field.key === 'templateId' && ofInstance.has(resource)) ||
    (field.key === 'parentTemplateId' && ofTemplate.has(resource))
  )
}

/**
 * Whether a deletion concerns rows of other tables beyond what the foreign key refuses by itself: those that go with it, and those
 * that must keep a soft deletion from happening.
 */
export function deletionConcerns(registry: Registry, resource: ResourceInfo): boolean {
  return childrenOf(registry, resource).some((child) => child.onDelete === 'cascade' || isSoft(resource))
}

function readFamilies(registry: Registry): ReadonlyMap<ResourceInfo, readonly Child[]> {
  const families = new Map<ResourceInfo, Child[]>()
  for (const resource of registry.resources) {
    for (const field of resource.fields) {
      const parent = parentOf(registry, field)
      if (!parent || isTemplateLink(registry, resource, field)) continue
      const children = families.get(parent) ?? []
      children.push({ resource, field, onDelete: field.reference!.onDelete })
      families.set(parent, children)
    }
  }
  return families
}
