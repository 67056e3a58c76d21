import { StartupError, type FeatureCommand, type Platform } from '@plinth/core'
import { declareRoles } from './declared-roles.ts'
import type { DefinitionsOf } from './definitions.ts'
import { readRoleFile } from './role-file.ts'
import { applyRoles, wantedRoles, type RoleChange } from './tenant-policies.ts'

const tenantOption = { type: 'string', description: 'id or slug of the tenant', required: true } as const

/** `plinth rbac:seed`: the roles that a tenant begins with, for one that was there before they were declared. */
export function seedCommand(definitions: DefinitionsOf): FeatureCommand {
  return {
    name: 'rbac:seed',
    summary: 'give a tenant the roles that tenants begin with, where it lacks them',
    options: { tenant: tenantOption },
    async run(platform, { tenant }) {
      const wanted = wantedRoles(definitions, definitions.declared.tenant)
      return printed(await applyRoles(platform, definitions, String(tenant), wanted, { existing: 'keep' }))
    },
  }
}

/** `plinth rbac:apply`: the `tenantRoles` of a file, made roles of one tenant. */
export function applyCommand(definitions: DefinitionsOf): FeatureCommand {
  return {
    name: 'rbac:apply',
    summary: 'make roles of a tenant what a file says under tenantRoles; others stay',
    positional: { name: 'file', description: 'a file like config/rbac.json' },
    options: {
      tenant: tenantOption,
      'dry-run': { type: 'boolean', description: 'say what would be changed, and change nothing' },
    },
    async run(platform, { file, tenant, 'dry-run': dryRun }) {
      const wanted = readWanted(platform, definitions, String(file))
      const done = await applyRoles(platform, definitions, String(tenant), wanted, {
        existing: 'replace',
        dryRun: dryRun === true,
      })
      return { ...printed(done), ...(dryRun === true && { written: false }) }
    },
  }
}

/** @throws StartupError with everything that is wrong with the file */
function readWanted({ registry }: Platform, definitions: DefinitionsOf, file: string): ReturnType<typeof wantedRoles> {
  const { source, faults } = readRoleFile(file)
  const declared = declareRoles(source ? [source] : [])
  const all = [...faults, ...declared.faults, ...declared.permissionFaults(registry)]
  if (all.length === 0 && declared.tenant.length === 0)
    all.push({ path: file, problem: 'has no tenantRoles', fix: 'write the roles of the tenant under tenantRoles' })
  if (all.length > 0) throw new StartupError(all)
  return wantedRoles(definitions, declared.tenant)
}

const words = { create: 'created', update: 'updated', keep: 'unchanged' } as const

function printed(changes: readonly RoleChange[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    changes.map(({ role, change, added, removed }) => [
      role,
      [words[change], ...added.map((one) => `+${one}`), ...removed.map((one) => `-${one}`)].join(' '),
    ]),
  )
}
