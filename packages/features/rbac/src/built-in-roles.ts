import {
  buildPermissionSet,
  formatPermission,
  isFieldModel,
  OWNER,
  parsePermission,
  type AlwaysAllowed,
  type PermissionSet,
  type Registry,
  type ResourceInfo,
} from '@plinth/core'
import type { AlwaysAllow, DeclaredRole } from './declared-roles.ts'
import { modelsOf } from './known-permissions.ts'
import { modelNames } from './model-names.ts'
import { SUPERADMIN, usualRoles } from './role-names.ts'
import { canonicalText, type PermissionSpelling } from './spelling.ts'

/** A role that is code. */
export interface BuiltInRole {
  readonly name: string
  readonly description: string | null
  readonly permissions: readonly string[]
  readonly set: PermissionSet
  /** On which models the ACL can deny it nothing. */
  readonly always: AlwaysAllowed
}

/** Rows that say how somebody gets in, or by which addresses others are reached: nothing for everybody who may look. */
const credentials = new Set(['apiKey', 'serviceAccount', 'ssoConnection', 'scimToken', 'webhook', 'setting'])
/** Rows about what people did, and where; entries of the ACL, which name rows that others may not see; events, which tell of all rows. */
const traces = new Set([
  'session',
  'invitation',
  'auditLog',
  'event',
  'webhookDelivery',
  'dsar',
  'legalHold',
  'breakGlass',
  'aclEntry',
])

/** What a person may do with what is his own, of the platform's models. */
const personal: Readonly<Record<string, readonly string[]>> = {
  user: ['read', 'update'],
  membership: ['read'],
  aclEntry: ['read'],
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
export function builtInRoles(registry: Registry, product: readonly DeclaredRole[] = []): readonly BuiltInRole[] {
  const { permissions } = registry
  const nameModel = modelNames(registry)
  const make = (
    name: string,
    description: string | null,
    given: readonly PermissionSpelling[],
    alwaysAllow: AlwaysAllow = [],
  ): BuiltInRole => {
    const always = alwaysAllow === true ? 'everything' : new Set(alwaysAllow)
    const whole = alwaysAllow === true ? ['*'] : alwaysAllow.map((model) => `${model}:*`)
    const list = [...new Set([...given.flatMap((one) => canonicalText(one, nameModel) ?? []), ...whole])]
    return { name, description, permissions: list, set: buildPermissionSet(permissions, list).set, always }
  }
  const usual = [
    make(OWNER, 'Everything in the tenant, and alone makes other owners', ['*'], true),
    make('admin', 'Everything in the tenant', ['*']),
    make('developer', 'Reads all, works on the product’s data, jobs and API keys', developerOf(registry)),
    make('user', 'What is his own', userOf(registry)),
    make('read_only', 'Reads, and changes nothing', readerOf(registry)),
  ]
  const replaced = usual.map((role) => {
    const given = product.find((one) => one.name === role.name)
    return given ? make(role.name, given.description ?? role.description, given.permissions, given.alwaysAllow) : role
  })
  const added = product
    .filter(({ name }) => !usual.some((role) => role.name === name))
    .map(({ name, description, permissions: list, alwaysAllow }) => make(name, description, list, alwaysAllow))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
  const place = replaced.findIndex((role) => role.name === 'user')
  return [...replaced.slice(0, place), ...added, ...replaced.slice(place)]
}

/** Which names no tenant may give to a role of its own. */
export function reservedNames(product: readonly DeclaredRole[] = []): ReadonlySet<string> {
  return new Set([SUPERADMIN, ...usualRoles, ...product.map((role) => role.name)])
}

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

/** Deleting every row at once, and saying who else may do what, are no daily work: they are left to admins, and to roles that say so. */
const daily = (resource: ResourceInfo): readonly string[] =>
  resource.verbs.filter((verb) => verb !== 'clear' && verb !== 'share')

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
