import { fieldOf, type FieldInfo, type Registry, type ResourceInfo } from '@plinth/core'
import type { Driver, Isolation } from '@plinth/postgres/driver'
import { seededRandom, type SeededRandom } from '../random/seeded-random.ts'
import type { TestTenant } from '../platform/actors.ts'
import { fitPlatform } from './fit-platform.ts'
import { fitTemplates } from './fit-templates.ts'
import { storedShape, type StoredShape } from './stored-shape.ts'
import { tableOf } from './table-place.ts'
import { isUniqueReference } from './unique-reference.ts'
import { madeValue, markedId, markedUuid, valueText, type Owner } from './marks.ts'

/**
 * `twin`: the other tenant has a row with the same id, so that a statement that names the id and forgets the tenant hits
 * both. `own`: only this tenant has the id. `open`: an own row whose values are no secret (for unique keys), and older than
 * all others. `bare`: an own row with NULL wherever it may be. `deleted`: an own row that was deleted softly.
 */
export type RowRole = 'twin' | 'own' | 'open' | 'bare' | 'deleted'

export interface SeededRow {
  readonly id: string
  readonly role: RowRole
  /** Every column but the tenant, in JSON form. */
  readonly values: Readonly<Record<string, unknown>>
}

/** Rows by the resource's name. */
export type SeededRows = ReadonlyMap<string, readonly SeededRow[]>

export interface SeedOptions {
  /** Rows of the role `twin`, and again of `own`, per resource and tenant. Default 6. */
  readonly rows?: number
  readonly seed?: string
  /** Of the platform. Default `shared`. */
  readonly isolation?: Isolation
}

/** Writes the rows of both tenants past every policy, as the superuser; victim and attacker differ in their marks only. */
export async function seedRows(
  superuser: Driver,
  registry: Registry,
  attacker: TestTenant,
  victim: TestTenant,
  options: SeedOptions = {},
): Promise<{ readonly attacker: SeededRows; readonly victim: SeededRows }> {
  const random = seededRandom(options.seed ?? 'rows')
  const perRole = options.rows ?? 6
  const shape = await storedShape(superuser)
  const twins = new Map(
    registry.resources.map((resource) => [
      resource.name,
      times(perRole, () => markedId(fieldOf(resource, 'id'), random, 'attacker')),
    ]),
  )
  const plan = (owner: Owner): Map<string, Draft[]> =>
    new Map(
      registry.resources.map((resource) => [
        resource.name,
        planRows(resource, random, owner, shape.ownKey(resource) ? undefined : twins.get(resource.name)!, perRole),
      ]),
    )
  const attackerPlan = plan('attacker')
  const victimPlan = plan('victim')
  const fill = (drafts: Map<string, Draft[]>, tenant: TestTenant, owner: Owner): SeededRows =>
    new Map(
      registry.resources.map((resource) => {
        const rows = drafts
          .get(resource.name)!
          .map((draft, at) =>
            fillRow(registry, resource, drafts, draft, at, random, owner, { tenant, attacker, shape }),
          )
        return [resource.name, rows]
      }),
    )
  const seeded = { attacker: fill(attackerPlan, attacker, 'attacker'), victim: fill(victimPlan, victim, 'victim') }
  await superuser.transaction(async (connection) => {
    // Rows of one resource may point at each other: triggers, foreign keys among them, stay off for this transaction.
    await connection.query('set local session_replication_role = replica')
    for (const [rows, tenant] of [
      [seeded.attacker, attacker],
      [seeded.victim, victim],
    ] as const) {
      for (const resource of registry.resources) {
        for (const row of rows.get(resource.name)!) {
          const { text, parameters } = insertOf(resource, tenant, row, options.isolation ?? 'shared')
          await connection.query(text, parameters)
        }
      }
    }
  })
  await makeAccounts(superuser, [attacker, victim])
  return seeded
}

/** Who is a member or may ask has an account: what works with it would find none and be our fault. */
async function makeAccounts(superuser: Driver, tenants: readonly TestTenant[]): Promise<void> {
  await superuser.query(
    `insert into plinth.users (id, email, name) select m.user_id, m.email, m.name from plinth.memberships m order by m.email
     on conflict do nothing`,
  )
  for (const userId of tenants.flatMap((tenant) => tenant.userIds))
    await superuser.query(
      `insert into plinth.users (id, email) select $1::uuid, $1::text || '@example.com' on conflict do nothing`,
      [userId],
    )
}

interface Draft {
  readonly id: string
  readonly role: RowRole
  /** Its number among the rows of this role. */
  readonly place: number
}

function planRows(
  resource: ResourceInfo,
  random: SeededRandom,
  owner: Owner,
  /** None where two tenants cannot have rows of one id: then each has its own in their place. */
  twins: readonly string[] | undefined,
  perRole: number,
): Draft[] {
  const key = fieldOf(resource, 'id')
  const fresh = (role: RowRole, count: number): Draft[] =>
    times(count, (place) => {
      // A name that the client chooses is a value like any other: the open row's is no secret.
      const whose = role === 'open' && key.kind.name === 'textKey' ? 'open' : owner
      return { id: markedId(key, random, whose), role, place }
    })
  return [
    ...(twins?.map((id, place): Draft => ({ id, role: 'twin', place })) ?? fresh('twin', perRole)),
    ...fresh('own', perRole),
    ...fresh('open', 1),
    ...fresh('bare', 1),
    ...(resource.byKey.has('deletedAt') ? fresh('deleted', 1) : []),
  ]
}

function times<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at))
}

interface Sides {
  readonly tenant: TestTenant
  readonly attacker: TestTenant
  readonly shape: StoredShape
}

function fillRow(
  registry: Registry,
  resource: ResourceInfo,
  drafts: Map<string, Draft[]>,
  draft: Draft,
  at: number,
  random: SeededRandom,
  owner: Owner,
  sides: Sides,
): SeededRow {
  const values: Record<string, unknown> = {}
  const valuesOf = draft.role === 'open' ? 'open' : owner
  for (const field of resource.fields) {
    if (field.key === 'tenantId') continue
    values[field.key] =
      platformValue(resource, field, draft, at, random, owner, sides) ??
      (field.reference
        ? referenceValue(registry, resource, field, drafts, draft, at)
        : field.platform || (draft.role === 'bare' && !field.notNull)
          ? null
          : madeValue(field, random, valuesOf, 'stored'))
  }
  const params = resource.byKey.get('params')
  fitTemplates(registry, resource, values, draft.place, () => params && madeValue(params, random, valuesOf))
  fitPlatform(resource, values)
  return { id: draft.id, role: draft.role, values }
}

/** `undefined` for what is no column of the platform. */
function platformValue(
  resource: ResourceInfo,
  field: FieldInfo,
  draft: Draft,
  at: number,
  random: SeededRandom,
  owner: Owner,
  { tenant, attacker, shape }: Sides,
): unknown {
  const victim = owner === 'victim'
  const year = draft.role === 'open' ? 2001 : victim ? 2093 : 2021
  const time = `${year}-01-${10 + at}T10:00:00.${victim ? 971 : 250}${100 + at}Z`
  // Some of the victim's rows belong to people who work for both: a rule about owners must not stand in for the tenant's.
  const people = draft.role === 'twin' || (draft.role === 'own' && draft.place > 0) ? attacker : tenant
  const person = draft.role === 'own' ? Math.max(0, draft.place - 1) : draft.place
  switch (field.key) {
    case 'id':
      return draft.id
    case 'createdAt':
    case 'updatedAt':
      return time
    case 'version':
      return victim ? 719_700 + at : 1 + at
    case 'ownerUserId':
      return draft.role === 'bare' && !shape.notNull(resource, field.sqlName)
        ? null
        : victim && people === tenant
          ? markedUuid(random, 'owner', 'victim')
          : people.userIds[person % people.userIds.length]
    case 'ownerGroupId':
      return draft.role === 'bare'
        ? null
        : victim && people === tenant
          ? markedUuid(random, 'group', 'victim')
          : people.groupIds[person % people.groupIds.length]
    case 'deletedAt':
      return draft.role === 'deleted' ? time : null
    default:
      return undefined
  }
}

/** Twins point at twins, so that a join over ids alone finds the other tenant's parent too. */
function referenceValue(
  registry: Registry,
  resource: ResourceInfo,
  field: FieldInfo,
  drafts: Map<string, Draft[]>,
  draft: Draft,
  at: number,
): string | null {
  const parent = registry.byTable.get(field.reference!.to() as object)
  if (!parent || (draft.role === 'bare' && !field.notNull)) return null
  const same = drafts.get(parent.name)!.find((each) => each.role === draft.role && each.place === draft.place)
  if (same && parent !== resource && isUniqueReference(resource, field)) return same.id
  const likely = drafts.get(parent.name)!.filter((each) => each.role === (draft.role === 'twin' ? 'twin' : 'own'))
  // The second half of the rows points at the first: with as many people as that, child and parent are one person's.
  if (parent === resource)
    return likely[draft.place - Math.ceil(likely.length / 2)]?.id ?? (field.notNull ? draft.id : null)
  // The second half of the parents stays without children, for deletions that succeed.
  const half = Math.ceil(likely.length / 2)
  // A second reference takes other turns than the first, so that a pair of them comes once.
  const place = resource.fields.filter((each) => each.reference).indexOf(field)
  return likely[(at + place * Math.floor(at / half)) % half]?.id ?? null
}

function insertOf(
  resource: ResourceInfo,
  tenant: TestTenant,
  row: SeededRow,
  isolation: Isolation,
): { readonly text: string; readonly parameters: (string | null)[] } {
  const columns: string[] = []
  const given: string[] = []
  const parameters: (string | null)[] = []
  for (const field of resource.fields) {
    const value = field.key === 'tenantId' ? tenant.id : row.values[field.key]
    parameters.push(value === null || value === undefined ? null : valueText(value))
    columns.push(`"${field.sqlName}"`)
    given.push(`$${parameters.length}::text::${field.sqlType}`)
  }
  return {
    text: `insert into ${tableOf(resource, tenant.id, isolation)} (${columns.join(', ')}) overriding system value values (${given.join(', ')})`,
    parameters,
  }
}
