import { isDeepStrictEqual } from 'node:util'
import {
  nearestNames,
  problem,
  readPolicies,
  type InputFault,
  type Policies,
  type Policy,
  type StartupFault,
  type Tenant,
  type Transaction,
} from '@plinth/core'
import { withThoseBehind } from './compare-access.ts'
import { isPersonal } from './facts-of-policies.ts'
import { everybody } from './holders.ts'
import { previewAccess } from './preview-access.ts'
import type { PreviewWindow, RolePreview } from './tally.ts'
import type { PreviewParts } from './world.ts'

/** Other policies than those that the platform has. */
export interface ConsideredPolicies {
  readonly change: 'policies'
  /** Names of those that are to go: who is narrowed by them today gains. */
  readonly without?: readonly string[] | undefined
  /** Those that are to come. One of the name of another takes its place. */
  readonly with?: readonly Policy[] | undefined
  /** All that there are before the change. Default: those of the platform. */
  readonly before?: readonly Policy[] | undefined
}

/**
 * Who would gain and lose what by other policies. A policy that is not deployed yet is read as it would be at a start.
 * @throws validation_failed for a name that there is not, and for a policy that would be a fault at start
 */
export function previewPolicies(
  known: PreviewParts,
  transaction: Transaction,
  tenant: Tenant,
  considered: ConsideredPolicies,
  window?: PreviewWindow,
): Promise<RolePreview> {
  const { registry } = known
  const before = considered.before ? readAll(known, considered.before) : registry.policies
  const after = afterwards(known, considered)
  const numbers = [...new Set([...before.keys(), ...after.keys()])].filter(
    (number) => !isDeepStrictEqual(before.get(number), after.get(number)),
  )
  return previewAccess(
    known,
    transaction,
    everybody(transaction, tenant.id),
    {
      before: { tenant, policies: before },
      after: { tenant, policies: after },
      permissions: withThoseBehind(registry, numbers),
      personal: isPersonal(before) || isPersonal(after),
    },
    window,
  )
}

/** Each policy of the platform, once. */
export function policiesOf({ registry }: Pick<PreviewParts, 'registry'>): readonly Policy[] {
  return [...new Set([...registry.policies.values()].flat())].sort((one, other) => (one.name < other.name ? -1 : 1))
}

function afterwards(known: PreviewParts, { without = [], with: coming = [] }: ConsideredPolicies): Policies {
  const there = policiesOf(known)
  const names = there.map(({ name }) => name)
  const errors = without.flatMap((name, at): InputFault[] => {
    if (names.includes(name)) return []
    const near = nearestNames(name.slice(0, 100), names)
    const words = near.length > 0 ? `; nearest: ${near.join(', ')}` : ''
    return [{ path: `/without/${at}`, code: 'unknown_policy', message: `There is no such policy${words}` }]
  })
  if (errors.length > 0) throw problem('validation_failed', { errors })
  const gone = new Set([...without, ...coming.map(({ name }) => name)])
  return readAll(known, [...there.filter(({ name }) => !gone.has(name)), ...coming])
}

function readAll({ registry }: PreviewParts, given: readonly Policy[]): Policies {
  const faults: StartupFault[] = []
  const policies = readPolicies(given, registry, faults)
  if (faults.length > 0)
    throw problem('validation_failed', {
      detail: faults.map((fault) => `${fault.path} ${fault.problem}: ${fault.fix}`).join('. '),
    })
  return policies
}
