import { coreErrors } from '../errors/registry.ts'
import { fieldModelsOf } from '../fields/field-permission.ts'
import { verifyRestricted } from '../fields/verify-restricted.ts'
import { readEvents } from '../events/event-catalog.ts'
import type { EventHandler } from '../events/event-handler.ts'
import { readHandlers, readStored } from '../events/event-handlers.ts'
import type { EventType } from '../events/event-type.ts'
import type { Feature } from '../feature/feature.ts'
import type { Job } from '../job/define-job.ts'
import { readJobs } from '../job/read-jobs.ts'
import { verifyLinks } from '../link/link.ts'
import { verifyRelations } from '../include/relations.ts'
import type { StartupFault } from '../errors/startup-error.ts'
import { numberPermissions } from '../policy/permission-set.ts'
import type { Policy } from '../policy/policy.ts'
import { readPolicies } from '../policy/read-policies.ts'
import type { Resource } from '../resource/define-resource.ts'
import { describeResource } from '../resource/describe-resource.ts'
import { verifyReferences } from '../resource/verify-key.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import { linkTemplates } from '../template/link.ts'
import { readTravels } from './read-travels.ts'
import type { Registry } from './registry.ts'
import type { Runtime } from './runtime.ts'

const byName = (left: { readonly name: string }, right: { readonly name: string }): number =>
  left.name < right.name ? -1 : left.name > right.name ? 1 : 0

/** What a product may declare beside resources and features. */
export interface DeclaredBeside {
  readonly jobs?: readonly Job[] | undefined
  readonly policies?: readonly Policy[] | undefined
  readonly events?: readonly EventType[] | undefined
  readonly handlers?: readonly EventHandler[] | undefined
}

/**
 * Reads resources and features into the registry. Everything is sorted by name, so that neither the order of resources nor
 * that of features can change what is served.
 */
export function readDeclaration(
  resources: readonly Resource[],
  features: readonly Feature[],
  faults: StartupFault[],
  runtime?: Runtime,
  { policies = [], events = [], handlers = [], jobs = [] }: DeclaredBeside = {},
): Registry {
  const described: ResourceInfo[] = []
  const add = (resource: Resource, origin: ResourceInfo['origin']): void => {
    const info = describeResource(resource, origin, faults)
    if (info) described.push(info)
  }
  for (const resource of resources) add(resource, 'product')
  for (const feature of features) for (const resource of feature.resources ?? []) add(resource, 'platform')
  described.sort(byName)
  const linked = linkTemplates(described, faults)
  const permissions = numberPermissions(
    [...linked.resources, ...linked.resources.flatMap(fieldModelsOf), ...permissionsBeside(features)].sort(byName),
  )
  const declared = [
    { owner: 'createPlinth', events },
    ...[...features]
      .sort(byName)
      .map((feature) => ({ owner: `feature ${feature.name}`, events: feature.events ?? [] })),
  ]
  const catalog = readEvents(linked.resources, declared, faults)
  const hearing = readHandlers(handlers, features, { catalog, resources: linked.resources }, faults)
  const narrowing = [...policies, ...features.flatMap((feature) => feature.policies ?? [])]
  const registry: Registry = {
    resources: linked.resources,
    byTable: new Map(linked.resources.map((info) => [info.table as object, info])),
    features: [...features].sort(byName),
    permissions,
    policies: readPolicies(narrowing, { permissions, resources: linked.resources }, faults),
    templates: linked.links,
    acl: features.some((feature) => feature.slots?.acl === true),
    jobs: readJobs(jobs, features, faults),
    events: catalog,
    handlers: hearing,
    listened: new Set([...hearing.keys(), ...readStored(features, catalog, faults)]),
    travels: readTravels(linked.resources, features, faults),
  }
  verifyUnique(described, features, faults)
  verifyReferences(registry, faults)
  verifyLinks(registry, faults)
  verifyRestricted(registry, faults)
  verifyRelations(registry, faults)
  if (runtime && features.some((feature) => feature.mails)) faults.push(...(runtime.mailer.faults ?? []))
  for (const feature of registry.features) faults.push(...(feature.verify?.(registry, runtime) ?? []))
  return registry
}

/** Permissions of features that are about no rows. */
function permissionsBeside(
  features: readonly Feature[],
): readonly { readonly name: string; readonly verbs: readonly string[] }[] {
  return features.flatMap(({ permissions = {} }) =>
    Object.entries(permissions).map(([name, verbs]) => ({ name, verbs })),
  )
}

/** First path segments under `/api/v1` that are the platform's own; a product table of that name would hide them. */
const platformPaths = new Set([
  'auth',
  'health',
  'metrics',
  'openapi.json',
  'docs',
  'redoc',
  'ws',
  'stream',
  'explain',
  'admin',
  'scim',
  'scaling-events',
])

function verifyUnique(resources: readonly ResourceInfo[], features: readonly Feature[], faults: StartupFault[]): void {
  const seen = new Map<string, string>()
  const claim = (key: string, path: string, problem: string, fix: string): void => {
    if (seen.has(key)) faults.push({ path, problem, fix })
    seen.set(key, path)
  }
  for (const resource of resources) {
    const path = `resource ${resource.name}`
    claim(`name ${resource.name}`, path, 'another resource has this name', "defineResource({ name: 'another', … })")
    claim(
      `path ${resource.path}`,
      path,
      `another resource is served at /${resource.path}`,
      'give the table another name',
    )
    if (platformPaths.has(resource.path)) {
      faults.push({
        path,
        problem: `/${resource.path} is a path of the platform`,
        fix: `name the table product_${resource.sqlName}`,
      })
    }
  }
  for (const { name } of permissionsBeside(features))
    claim(
      `name ${name}`,
      `permissions of ${name}`,
      'a resource or another feature has this name',
      'choose another name',
    )
  for (const feature of features)
    claim(`feature ${feature.name}`, `feature ${feature.name}`, 'is given twice', 'list it once')
  verifyErrors(features, faults)
  verifyCommands(features, faults)
  for (const slot of ['tenant', 'directory', 'accounts', 'roles', 'jobs', 'audit'] as const) {
    const fillers = features.filter((feature) => feature.slots?.[slot]).map((feature) => feature.name)
    if (fillers.length < 2) continue
    faults.push({
      path: 'features',
      problem: `the ${slot} slot is filled by ${fillers.join(' and ')}`,
      fix: 'keep one of them',
    })
  }
}

/** A code has one meaning, and stands in the URL at which it is explained. */
function verifyErrors(features: readonly Feature[], faults: StartupFault[]): void {
  const owners = new Map<string, string>(Object.keys(coreErrors).map((code) => [code, 'the platform']))
  for (const feature of features) {
    for (const code of Object.keys(feature.errors ?? {})) {
      const path = `feature ${feature.name}.errors.${code}`
      if (!/^[a-z][a-z0-9_]*$/.test(code)) {
        faults.push({ path, problem: 'is no code', fix: 'use lower-case letters, digits and _: card_declined' })
      }
      const owner = owners.get(code)
      if (owner === undefined) owners.set(code, `feature ${feature.name}`)
      else faults.push({ path, problem: `is an error of ${owner} already`, fix: `name it ${feature.name}_${code}` })
    }
  }
}

/** What the command line brings itself. */
const ownCommands = ['keys:generate', 'keys:rotate']
const ownOptions = new Set(['config', 'json', 'debug', 'help', 'version'])

/** `noun:verb`, so that the command line knows a feature's command from one of its own, also from those that it will have. */
function verifyCommands(features: readonly Feature[], faults: StartupFault[]): void {
  const owners = new Map<string, string>(ownCommands.map((name) => [name, 'the command line']))
  for (const feature of features) {
    for (const { name, positional, options } of feature.commands ?? []) {
      const path = `feature ${feature.name}.commands.${name}`
      if (!/^[a-z]+(?:-[a-z]+)*:[a-z]+(?:-[a-z]+)*$/.test(name))
        faults.push({ path, problem: 'is no name of a command', fix: 'two lower-case words: invoice:send' })
      const owner = owners.get(name)
      if (owner === undefined) owners.set(name, `feature ${feature.name}`)
      else faults.push({ path, problem: `is a command of ${owner} already`, fix: 'choose another name' })
      for (const option of [...Object.keys(options), ...(positional ? [positional.name] : [])])
        if (ownOptions.has(option) || !/^[a-z]+(?:-[a-z]+)*$/.test(option))
          faults.push({
            path: `${path}.options.${option}`,
            problem: 'is no option that a feature may have',
            fix: `lower-case words, and none of ${[...ownOptions].join(', ')}`,
          })
    }
  }
}
