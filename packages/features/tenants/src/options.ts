import type { Runtime, StartupFault } from '@plinth/core'
import type { Registration } from './directory/admit.ts'
import type { ResolveTxt } from './domains/resolve-txt.ts'
import { flagFaults, type FlagDeclarations } from './flags/evaluate.ts'
import { settingFaults, type SettingDeclarations } from './settings/declaration.ts'

export interface TenantsOptions<
  S extends SettingDeclarations = SettingDeclarations,
  F extends FlagDeclarations = FlagDeclarations,
> {
  /** What becomes of those who register without an invitation. `found` (default): each founds a tenant. `invited`: they get none. */
  readonly registration?: Registration
  /** Host names below that of `PUBLIC_URL` choose a tenant by its slug: `acme.app.example.com`. Default: no. */
  readonly subdomains?: boolean
  /** Days for which an invitation works, 1 to 90. Default 7. */
  readonly invitationDays?: number
  /** Days between the request to delete a tenant and its end, 0 to 365. Default 30. */
  readonly graceDays?: number
  /**
   * Whether owners may take all that their tenant has along, by `POST /tenants/:id/export`. The archive holds all of its rows and
   * fields, those too that a policy in code or a rule of a field keeps from owners. Default `owner`; with `none` there is no such route.
   */
  readonly exports?: 'owner' | 'none'
  /** Asks the DNS, for verified domains. Default: the resolver of the system. */
  readonly resolveTxt?: ResolveTxt
  /** What the operator, tenants and people may say: `{ 'mail.footer': { schema: z.string(), default: '', scope: 'tenant' } }`. */
  readonly settings?: S
  /** Features that are switched on for all, for tenants, or for a share of the people: `{ 'new-editor': { default: false } }`. */
  readonly flags?: F
}

const sendsToPeople = new Set(['staging', 'production'])

/** What is wrong with them. */
export function optionFaults(
  { subdomains = false, invitationDays = 7, graceDays = 30, settings = {}, flags = {} }: TenantsOptions,
  runtime: Pick<Runtime, 'settings'> | undefined,
): readonly StartupFault[] {
  const fix = 'PUBLIC_URL=https://app.example.com'
  const faults: StartupFault[] = [...settingFaults(settings), ...flagFaults(flags)]
  const unknown = runtime !== undefined && runtime.settings.PUBLIC_URL === undefined
  if (subdomains && unknown)
    faults.push({ path: 'tenants.subdomains', problem: 'needs the host below which the tenants are', fix })
  else if (unknown && sendsToPeople.has(runtime.settings.ENVIRONMENT))
    faults.push({ path: 'tenants', problem: 'sends links, and does not know the address of the service', fix })
  if (!(invitationDays >= 1 && invitationDays <= 90))
    faults.push({ path: 'tenants.invitationDays', problem: 'is not from 1 to 90', fix: 'invitationDays: 7' })
  if (!(graceDays >= 0 && graceDays <= 365))
    faults.push({ path: 'tenants.graceDays', problem: 'is not from 0 to 365', fix: 'graceDays: 30' })
  return faults
}
