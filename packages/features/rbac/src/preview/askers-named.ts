import {
  compare,
  isNull,
  or,
  subjectOf,
  and,
  type Condition,
  type ListOperation,
  type Platform,
  type RawRow,
  type ResourceInfo,
  type Tenant,
  type Transaction,
} from '@plinth/core'
import { configuredService } from '../acl-subject.ts'
import type { ConsideredEntry } from './considered-entry.ts'
import { holdersOf, membersIn, membersOf, servicesOf, type Holder, type Holders } from './holders.ts'
import { askerOf, keyAsker, type Asker } from './world.ts'

/** Keys that are read at once. */
const AT_ONCE = 500

/** Where those are looked for whom an entry names. */
export interface NamedLookup {
  readonly platform: Pick<Platform, 'registry' | 'clock'>
  readonly transaction: Transaction
  readonly tenant: Tenant
  /** Whether keys of others are told of, which have a role of their own. */
  readonly keys: boolean
}

/**
 * Whom an entry names: members, service accounts, services and keys. Those who are suspended and keys that have ended may do nothing
 * either way, and are left out.
 */
export async function* askersNamed(
  lookup: NamedLookup,
  { kind, id }: ConsideredEntry['subject'],
): AsyncGenerator<readonly Asker[]> {
  const { transaction, tenant, platform, keys } = lookup
  switch (kind) {
    case 'user':
      yield active(await membersOf(transaction, tenant.id, [id]))
      return
    case 'group':
      yield* activeOf(membersIn(transaction, tenant.id, id))
      return
    case 'role':
      yield* activeOf(holdersOf(transaction, tenant.id, id))
      if (keys) yield* keysWith(lookup, compare('role', 'eq', id))
      return
    case 'service': {
      const configured = await configuredService({ platform, tenant }, id)
      if (configured)
        yield [
          {
            kind: 'service',
            id,
            principal: configured,
            member: undefined,
            subjects: [subjectOf('service', id), ...configured.groupIds.map((group) => subjectOf('group', group))],
          },
        ]
      else yield active(await servicesOf(transaction, tenant.id, [id]))
      return
    }
    case 'apiKey':
      yield* keysWith(lookup, compare('id', 'eq', id))
  }
}

const active = (holders: readonly Holder[]): readonly Asker[] => holders.filter((one) => one.active).map(askerOf)

async function* activeOf(holders: Holders): AsyncGenerator<readonly Asker[]> {
  for await (const some of holders) yield active(some)
}

/** Keys of members that still open something. Where no feature makes any, there are none. */
async function* keysWith(
  { platform, transaction, tenant }: NamedLookup,
  wanted: Condition,
): AsyncGenerator<readonly Asker[]> {
  const resource = platform.registry.resources.find((one) => one.name === 'apiKey')
  if (!resource) return
  const now = platform.clock.now().toISOString()
  const where = and(wanted, isNull('revokedAt'), or(isNull('expiresAt'), compare('expiresAt', 'gt', now)))
  for (let after: string | undefined | null = null; after !== undefined;) {
    const rows: readonly RawRow[] = await transaction.list(pageOf(resource, where, after))
    const owners = rows.flatMap((row) => (row['ownerUserId'] == null ? [] : [String(row['ownerUserId'])]))
    const members = new Map((await membersOf(transaction, tenant.id, owners)).map((one) => [one.id, one]))
    yield rows.flatMap((row): readonly Asker[] => {
      const owner = members.get(String(row['ownerUserId']))
      // A key of a service account is that account, and not named by itself.
      if (!owner?.active || row['serviceAccountId'] != null) return []
      return [keyAsker(String(row['id']), row['role'] == null ? null : String(row['role']), owner)]
    })
    after = rows.length === AT_ONCE ? String(rows.at(-1)!['id']) : undefined
  }
}

function pageOf(resource: ResourceInfo, where: Condition, after: string | null): ListOperation {
  const fields = ['id', 'ownerUserId', 'role', 'serviceAccountId'].flatMap((name) => resource.byKey.get(name) ?? [])
  return {
    resource,
    where,
    sort: [{ field: resource.byKey.get('id')!, descending: false }],
    after: after === null ? undefined : [after],
    limit: AT_ONCE,
    offset: 0,
    fields,
  }
}
