import type { StartupFault } from '../errors/startup-error.ts'
import { linksOf } from '../link/link.ts'
import type { Registry } from '../platform/registry.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'

/** Columns of templates and of rows that come from them: every reader of a row is shown what it resolves to. */
const ofTemplates = new Set([
  'templateId',
  'sharedTemplate',
  'params',
  'inheritance',
  'parentTemplateId',
  'sharedParent',
  'defaults',
])

/** What is wrong with restricted fields, each with the line that mends it. */
export function verifyRestricted(registry: Registry, faults: StartupFault[]): void {
  for (const resource of registry.resources) {
    for (const field of resource.fields) {
      const path = `resource ${resource.name}.fields.${field.key}`
      const add = (problem: string, fix: string): void => void faults.push({ path, problem, fix })
      verifyValue(resource, field, add)
      if (field.readRestricted || field.writeRestricted) verifyField(registry, resource, field, add)
    }
    for (const { name, through, near, far } of linksOf(registry, resource)) {
      const kept = [near, far].find((field) => field.readRestricted || field.writeRestricted)
      if (kept)
        faults.push({
          path: `resource ${resource.name}.links.${name}`,
          problem: `the tie's own ${through.name}.${kept.key} is restricted, and a set of ids tells and writes it`,
          fix: `drop restricted of ${through.name}.${kept.key}, and give ${through.name}:read to fewer`,
        })
    }
  }
}

type Add = (problem: string, fix: string) => void

function verifyValue({ declaration }: ResourceInfo, { key }: FieldInfo, add: Add): void {
  const facts = declaration.fields[key] as Readonly<Record<string, unknown>> | undefined
  const given = facts?.['restricted']
  if (given === undefined || typeof given === 'boolean' || given === 'read' || given === 'write') return
  add(`restricted: ${JSON.stringify(given)} says nothing`, "restricted: true, 'read' or 'write'")
}

function verifyField(registry: Registry, resource: ResourceInfo, field: FieldInfo, add: Add): void {
  const { ofInstance, ofTemplate } = registry.templates
  if (field.platform || field.key === 'id')
    return add('is a column of the platform, which everybody reads who reads the row', 'drop restricted')
  if (ofTemplates.has(field.key) && (ofInstance.has(resource) || ofTemplate.has(resource)))
    return add('is what rows inherit, which everybody is shown who reads them', 'keep the value in a column of its own')
  if (field.hidden) add('a hidden field is neither read nor written from outside', 'keep one of hidden and restricted')
  if (field.secret && field.readRestricted) add('a secret is read by nobody', "restricted: 'write'")
  if (field.readOnly && field.writeRestricted) add('a read-only field is written by code alone', "restricted: 'read'")
  if (field.writeRestricted && field.notNull && !field.hasDefault && resource.declaration.operations.create !== false)
    add(
      `is NOT NULL without default, so whoever may create a ${resource.name} and not write this field could create none`,
      `${field.key}: ….default(…), or let it be null, or restricted: 'read'`,
    )
  return undefined
}
