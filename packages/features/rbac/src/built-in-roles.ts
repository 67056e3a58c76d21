import {
  buildPermissionSet,
  formatPermission,
  isFieldModel,
  OWNER,
  parsePermission,
  type PermissionSet,
  type Registry,
  type ResourceInfo,
  type StartupFault,
} from '@plinth/core'
import { faultOf, modelsOf } from './known-permissions.ts'
import { modelNames } from './model-names.ts'
import { canonicalText, type PermissionSpelling } from './spelling.ts'

/** A role that the product brings, the same in every tenant. */
export interface RoleDefinition {
  readonly description?: string
  /** `site:update:own`, `site:*`, `*:read`; `Site.update`; `{ action: 'read', resource: 'sites' }`. */
  readonly permissions: readonly PermissionSpelling[]
}

/** A role that is code. */
export interface BuiltInRole {
  readonly name: string
  readonly description: string | null
  readonly permissions: readonly string[]
  readonly set: PermissionSet
}

/** Above all tenants; nobody has it in one, and no tenant may call a role so. */
export const SUPERADMIN = 'superadmin'
/** What these may do is said here alone: that an admin may do everything is what every other rule counts on. */
const fixed = [OWNER, 'admin'] as const

/** Rows that say how somebody gets in, or by which addresses others are reached: nothing for everybody who may look. */
const credentials = new Set(['apiKey', 'serviceAccount', 'ssoConnection', 'scimToken', 'webhook', 'setting'])
/** Rows about what people did, and where. */
const traces = new Set(['session', 'invitation', 'auditLog', 'dsar', 'legalHold', 'breakGlass'])

/** What a person may do with what is his own, of the platform's models. */
const personal: Readonly<Record<string, readonly string[]>> = {
  user: ['read', 'update'],
  membership: ['read'],
  notification: ['read', 'update'],
  file: ['read', 'create', 'delete'],
}

/** Actions of developers on models of the platform, beside reading. */
const developing: Readonly<Record<string, readonly string[]>> = {
  job: ['create', 'read'],
  apiKey: ['create', 'read', 'delete'],
  file: ['create', 'update', 'delete'],
}

/** The roles that there are in every tenant, the weightiest first, with what the product adds. */
export function builtInRoles(
  registry: Registry,
  own: Readonly<Record<string, RoleDefinition>> = {},
): readonly BuiltInRole[] {
  const { permissions } = registry
  const nameModel = modelNames(registry)
  const make = (name: string, description: string | null, given: readonly PermissionSpelling[]): BuiltInRole => {
    const list = given.flatMap((one) => canonicalText(one, nameModel) ?? [])
    return { name, description, permissions: list, set: buildPermissionSet(permissions, list).set }
  }
  const usual = [
    make(OWNER, 'Everything in the tenant, and alone makes other owners', ['*']),
    make('admin', 'Everything in the tenant', ['*']),
    make('developer', 'Reads all, works on the product’s data, jobs and API keys', developerOf(registry)),
    make('user', 'What is his own', userOf(registry)),
    make('read_only', 'Reads, and changes nothing', readerOf(registry)),
  ]
  const replaced = usual.map((role) => {
    const given = own[role.name]
    return given ? make(role.name, given.description ?? role.description, given.permissions) : role
  })
  const added = Object.entries(own)
    .filter(([name]) => !usual.some((role) => role.name === name))
    .map(([name, { description, permissions: list }]) => make(name, description ?? null, list))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
  const place = replaced.findIndex((role) => role.name === 'user')
  return [...replaced.slice(0, place), ...added, ...replaced.slice(place)]
}

/** Which names no tenant may give to a role of its own. */
export function reservedNames(own: Readonly<Record<string, RoleDefinition>> = {}): ReadonlySet<string> {
  return new Set([SUPERADMIN, ...fixed, 'developer', 'user', 'read_only', ...Object.keys(own)])
}

/** What is wrong with the roles that a product brings. */
export function roleFaults(own: Readonly<Record<string, RoleDefinition>>, registry: Registry): readonly StartupFault[] {
  const nameModel = modelNames(registry)
  return Object.entries(own).flatMap(([name, definition]) => {
    const path = `rbac.roles.${name}`
    const faults = definition.permissions.flatMap((given, at): StartupFault[] => {
      const fix = faultOf(registry.permissions, nameModel, given)
      const said = typeof given === 'string' ? `'${given}'` : JSON.stringify(given)
      return fix === undefined ? [] : [{ path: `${path}.permissions.${at}`, problem: `${said} is no permission`, fix }]
    })
    if (!ROLE_NAME.test(name))
      faults.push({ path, problem: 'is no name of a role', fix: "use a lower-case word: 'support', 'client_manager'" })
    if (name === SUPERADMIN || (fixed as readonly string[]).includes(name))
      faults.push({
        path,
        problem: `what ${name} may do is not the product's to say`,
        fix: 'define a role of another name',
      })
    return faults
  })
}

/** Lower-case words: names stand in tokens, logs and URLs, and two that differ in case would be taken for one. */
export const ROLE_NAME = /^[a-z][a-z0-9_-]{0,62}$/

const ofProduct = (registry: Registry): readonly ResourceInfo[] =>
  registry.resources.filter((resource) => resource.origin === 'product')

function existing({ permissions }: Registry, listed: readonly string[]): readonly string[] {
  const texts = listed.filter((text) => {
    const { model, action } = parsePermission(text)!
    return permissions.numberOf(model, action) !== undefined
  })
  return [...new Set(texts)].sort()
}

const write = (model: string, action: string, scope: 'all' | 'own' = 'all'): string =>
  formatPermission({ model, action, scope })

/** Deleting every row at once is no daily work: it is left to admins. */
const daily = (resource: ResourceInfo): readonly string[] => resource.verbs.filter((verb) => verb !== 'clear')

/** Models of rows: those of restricted fields are for whom somebody names them. */
const ofRows = (registry: Registry): readonly string[] =>
  modelsOf(registry.permissions).filter((model) => !isFieldModel(model))

function developerOf(registry: Registry): readonly string[] {
  return existing(registry, [
    ...ofRows(registry)
      .filter((model) => !traces.has(model))
      .map((model) => write(model, 'read')),
    ...ofProduct(registry).flatMap((resource) => daily(resource).map((verb) => write(resource.name, verb))),
    ...Object.entries(developing).flatMap(([model, verbs]) => verbs.map((verb) => write(model, verb))),
  ])
}

function userOf(registry: Registry): readonly string[] {
  return existing(registry, [
    ...ofProduct(registry).flatMap((resource) => daily(resource).map((verb) => write(resource.name, verb, 'own'))),
    ...Object.entries(personal).flatMap(([model, verbs]) => verbs.map((verb) => write(model, verb, 'own'))),
  ])
}

/** Actions that change nothing are reading, too. */
function readerOf(registry: Registry): readonly string[] {
  return existing(registry, [
    ...ofRows(registry)
      .filter((model) => !traces.has(model) && !credentials.has(model))
      .map((model) => write(model, 'read')),
    ...ofProduct(registry).flatMap((resource) =>
      resource.actions.filter((action) => action.readOnly).map((action) => write(resource.name, action.name)),
    ),
  ])
}
