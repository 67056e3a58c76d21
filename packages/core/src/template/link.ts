import { hash } from 'node:crypto'
import type { z } from 'zod'
import type { StartupFault } from '../errors/startup-error.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import type { AnyTemplateFacts } from './facts.ts'
import { impliedTemplateFields } from './implied-facts.ts'
import type { Level } from './level.ts'
import { sorted } from './resolve.ts'
import { verifyTemplates } from './verify-templates.ts'

/** A template of the platform, settled. */
export interface SharedInfo {
  readonly key: string
  readonly name: string
  readonly description: string | undefined
  readonly parent: string | null
  readonly retired: boolean
  readonly defaults: Readonly<Record<string, unknown>>
  readonly version: string
  /** What a row that comes from it lies upon: its ancestors and itself, topmost first. */
  readonly levels: readonly Level[]
}

/** A resource whose rows come from templates, and the resource whose rows are these templates. */
export interface TemplateLink {
  readonly instance: ResourceInfo
  readonly template: ResourceInfo
  readonly params: z.ZodObject
  readonly shared: ReadonlyMap<string, SharedInfo>
}

/** Every link, by either of its two resources. */
export interface TemplateLinks {
  readonly ofInstance: ReadonlyMap<ResourceInfo, TemplateLink>
  readonly ofTemplate: ReadonlyMap<ResourceInfo, TemplateLink>
}

export interface Linked {
  readonly resources: readonly ResourceInfo[]
  readonly links: TemplateLinks
}

/**
 * Ties each templated resource to the resource of its templates, whose `defaults` take the schema of the params from it. A
 * resource that is no part of a link stays the very object it was.
 */
export function linkTemplates(described: readonly ResourceInfo[], faults: StartupFault[]): Linked {
  const drafts = verifyTemplates(described, faults)
  const replaced = new Map(drafts.map(({ template, facts }) => [template, withTypedDefaults(template, facts)]))
  const links = drafts.map(({ instance, template, facts }): TemplateLink => {
    const { params } = facts
    return { instance, template: replaced.get(template)!, params, shared: sharedOf(facts) }
  })
  return {
    resources: described.map((resource) => replaced.get(resource) ?? resource),
    links: {
      ofInstance: new Map(links.map((link) => [link.instance, link])),
      ofTemplate: new Map(links.map((link) => [link.template, link])),
    },
  }
}

function withTypedDefaults(template: ResourceInfo, facts: AnyTemplateFacts): ResourceInfo {
  const implied = impliedTemplateFields(facts)
  const fields = template.fields.map((field): FieldInfo => ({ ...field, ...implied[field.key] }))
  return { ...template, fields, byKey: new Map(fields.map((field) => [field.key, field])) }
}

function sharedOf(facts: AnyTemplateFacts): ReadonlyMap<string, SharedInfo> {
  const given = facts.shared ?? {}
  const level = (key: string): Level => ({
    source: 'platform',
    template: key,
    version: versionOf(given[key]!.defaults),
    values: given[key]!.defaults,
  })
  const chain = (key: string): readonly Level[] => {
    const { parent } = given[key]!
    return [...(parent === undefined ? [] : chain(parent)), level(key)]
  }
  const entries = Object.entries(given).map(([key, { name, description, parent, retired, defaults }]) => {
    const levels = chain(key)
    const version = levels.at(-1)!.version!
    const info = {
      key,
      name,
      description,
      parent: parent ?? null,
      retired: retired ?? false,
      defaults,
      version,
      levels,
    }
    return [key, info] as const
  })
  return new Map<string, SharedInfo>(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** By content: nobody can forget to raise it. */
function versionOf(defaults: unknown): string {
  return hash('sha256', sorted(defaults), 'hex').slice(0, 12)
}
