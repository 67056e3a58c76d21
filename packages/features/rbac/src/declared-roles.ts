import { nearestNames, OWNER, type Registry, type StartupFault } from '@plinth/core'
import { faultOf, wordsForUnknown } from './known-permissions.ts'
import { modelNames } from './model-names.ts'
import { ROLE_NAME, SUPERADMIN, usualRoles } from './role-names.ts'
import type { PermissionSpelling } from './spelling.ts'

/** A role as it is declared, by the product or for its tenants. */
export interface RoleDefinition {
  readonly description?: string | undefined
  /** `site:update:own`, `site:*`, `*:read`; `Site.update`; `{ action: 'read', resource: 'sites' }`. */
  readonly permissions?: readonly PermissionSpelling[] | undefined
  /** Names of permission groups that it has too. */
  readonly include?: readonly string[] | undefined
  /**
   * Everything is allowed to it, whatever entries of the ACL deny: on the models named, or (`true`) on all. It holds every permission
   * of them beside those listed. Policies bind it as well. Only of roles of the product.
   */
  readonly alwaysAllow?: AlwaysAllow | undefined
}

export type AlwaysAllow = true | readonly string[]

/** Roles in code or in a file, in one shape. */
export interface RoleDeclarations {
  /** Lists of permissions that roles include by name. */
  readonly permissionGroups?: Readonly<Record<string, readonly PermissionSpelling[]>> | undefined
  /**
   * Roles of the product, the same in every tenant: new ones, or what `developer`, `user` and `read_only` mean here. What an owner and
   * an admin may do is not for the product to say.
   */
  readonly roles?: Readonly<Record<string, RoleDefinition>> | undefined
  /** Roles that a tenant begins with. They are its own from then on. */
  readonly tenantRoles?: Readonly<Record<string, RoleDefinition>> | undefined
}

/** Where declarations come from, and how a place in them is called. */
export interface RoleSource {
  readonly at: (...keys: readonly (string | number)[]) => string
  readonly given: RoleDeclarations
}

/** One permission of a declaration, and where it stands. */
interface Line {
  readonly given: PermissionSpelling
  readonly path: string
}

export interface DeclaredRole {
  readonly name: string
  readonly description: string | null
  readonly permissions: readonly PermissionSpelling[]
  readonly alwaysAllow?: AlwaysAllow | undefined
}

/** What was declared, settled as far as it can be before there is a registry. */
export interface Declared {
  readonly product: readonly DeclaredRole[]
  readonly tenant: readonly DeclaredRole[]
  readonly faults: readonly StartupFault[]
  /** What is wrong with the permissions, which only a registry can say. */
  readonly permissionFaults: (registry: Registry) => readonly StartupFault[]
}

export function declareRoles(sources: readonly RoleSource[]): Declared {
  const faults: StartupFault[] = []
  const groups = new Map<string, readonly Line[]>()
  const lines: Line[] = []
  const models: { readonly model: string; readonly path: string }[] = []
  const linesOf = (source: RoleSource, list: readonly PermissionSpelling[], ...place: string[]): readonly Line[] => {
    const found = list.map((given, index) => ({ given, path: source.at(...place, index) }))
    lines.push(...found)
    return found
  }
  for (const source of sources)
    for (const [name, list] of Object.entries(source.given.permissionGroups ?? {})) {
      const path = source.at('permissionGroups', name)
      if (groups.has(name)) faults.push({ path, problem: 'is declared twice', fix: 'give one of them another name' })
      groups.set(name, linesOf(source, list, 'permissionGroups', name))
    }
  const product = new Map<string, DeclaredRole>()
  const tenant = new Map<string, DeclaredRole>()
  for (const source of sources)
    for (const section of ['roles', 'tenantRoles'] as const)
      for (const [name, definition] of Object.entries(source.given[section] ?? {})) {
        const path = source.at(section, name)
        faults.push(...nameFaults(path, section, name))
        if (product.has(name) || tenant.has(name))
          faults.push({ path, problem: 'is declared twice', fix: 'keep one of the two declarations' })
        const included = (definition.include ?? []).flatMap((group, index) => {
          const found = groups.get(group)
          if (!found) faults.push(noGroup(source.at(section, name, 'include', index), group, [...groups.keys()]))
          return found ?? []
        })
        const own = linesOf(source, definition.permissions ?? [], section, name, 'permissions')
        const permissions = [...included, ...own].map(({ given }) => given)
        const of = section === 'roles' ? product : tenant
        const { description = null, alwaysAllow } = definition
        of.set(name, { name, description, permissions, alwaysAllow })
        if (alwaysAllow === undefined) continue
        const place = source.at(section, name, 'alwaysAllow')
        if (section === 'tenantRoles')
          faults.push({
            path: place,
            problem: 'a role of a tenant cannot be above the ACL',
            fix: 'declare it under roles',
          })
        if (alwaysAllow !== true) models.push(...alwaysAllow.map((model) => ({ model, path: place })))
      }
  return {
    product: [...product.values()],
    tenant: [...tenant.values()],
    faults,
    permissionFaults: (registry) => {
      const nameModel = modelNames(registry)
      const unknown = models
        .filter(({ model }) => registry.permissions.ofModel(model).length === 0)
        .map(({ model, path }) => ({
          path,
          problem: `'${model}' is no model`,
          fix: wordsForUnknown(registry.permissions, `${model}:*`),
        }))
      const wrong = lines.flatMap(({ given, path }) => {
        const fix = faultOf(registry.permissions, nameModel, given)
        const said = typeof given === 'string' ? `'${given}'` : JSON.stringify(given)
        return fix === undefined ? [] : [{ path, problem: `${said} is no permission`, fix }]
      })
      return [...wrong, ...unknown]
    },
  }
}

function nameFaults(path: string, section: 'roles' | 'tenantRoles', name: string): readonly StartupFault[] {
  const faults: StartupFault[] = []
  if (!ROLE_NAME.test(name))
    faults.push({ path, problem: 'is no name of a role', fix: "use a lower-case word: 'support', 'client_manager'" })
  if ([SUPERADMIN, OWNER, 'admin'].includes(name))
    faults.push({
      path,
      problem: `what ${name} may do is not the product's to say`,
      fix: 'define a role of another name',
    })
  else if (section === 'tenantRoles' && usualRoles.includes(name))
    faults.push({ path, problem: `${name} is built in`, fix: 'say what it means under roles, or take another name' })
  return faults
}

function noGroup(path: string, group: string, groups: readonly string[]): StartupFault {
  const near = nearestNames(group, groups)
  return {
    path,
    problem: `there is no permission group '${group}'`,
    fix: near.length > 0 ? `nearest: ${near.join(', ')}` : 'declare it under permissionGroups',
  }
}
