import { setTimeout as sleep } from 'node:timers/promises'
import { builtInRows, type Registry } from '@plinth/core'
import type { Driver, Isolation } from '@plinth/postgres/driver'
import type { WireRequest } from '../http/wire.ts'
import type { TestTenant } from '../platform/actors.ts'
import type { TestPlatform } from '../platform/test-platform.ts'
import { setCounters, tableOf } from '../tenants/table-place.ts'
import { isMarked, madeNumbers, marksIn } from '../tenants/marks.ts'
import {
  restoreSnapshot,
  snapshotDifferences,
  takeSnapshot,
  tenantTables,
  traceTables,
  type TenantSnapshot,
  type TenantTable,
} from '../tenants/tenant-tables.ts'
import { heardFrom } from './judge.ts'
import { gatherKnowledge, type Knowledge } from './knowledge.ts'
import { keepPeople, peopleOf } from './people-rows.ts'
import { wordsOf } from './stored-words.ts'

/** Two tenants whose every row is known, the victim's by heart, and the superuser's view of both. */
export interface Arena {
  readonly knowledge: Knowledge
  readonly tables: readonly TenantTable[]
  /**
   * What is wrong with the stored rows, in words: the victim's must be as they were, nothing may point at them.
   * @param said what was asked since they were put back: whoever invites the victim's people has their addresses in rows of his own
   */
  readonly wrongRows: (said?: readonly WireRequest[]) => Promise<readonly string[]>
  /** Puts both tenants' rows back, and those of their people. True where anything had to be. */
  readonly restore: () => Promise<boolean>
  /** Waits until no statement of the platform has run for a while. Only on a server. */
  readonly quiet: () => Promise<void>
}

const arenas = new WeakMap<TestPlatform, Promise<Arena>>()

/** The arena of a platform, prepared once: rows are seeded, the victim has worked a while, everything is remembered. */
export function arenaOf(platform: TestPlatform): Promise<Arena> {
  const known = arenas.get(platform) ?? prepareArena(platform)
  arenas.set(platform, known)
  return known
}

async function prepareArena(platform: TestPlatform): Promise<Arena> {
  const { a: attacker, b: victim, superuser, plinth } = platform
  // Ahead of the database's clock, by which expired keys are swept away: what expires here stays there for the test to see.
  platform.clock.set('2040-01-31T12:00:00Z')
  const rows = await platform.twoTenants()
  await setCounters(superuser, plinth.registry, victim, madeNumbers.victim, platform.isolation)
  const gathered = await gatherKnowledge(platform.send, {
    registry: plinth.registry,
    attacker,
    victim,
    attackerRows: rows.a,
    victimRows: rows.b,
  })
  await setCounters(superuser, plinth.registry, attacker, madeNumbers.attacker, platform.isolation)
  const tables = await tenantTables(superuser)
  await seedExpiredKeys(superuser, attacker, victim)
  await settled(superuser, tables, [attacker, victim])
  const kept = await keepRows(superuser, tables, [attacker, victim])
  const [attackers, victims] = kept.rows
  const words = { attacker: wordsOf(attackers!, victims!), victim: wordsOf(victims!, attackers!) }
  const people = [attacker, victim].map((tenant, at) => peopleOf(tenant, kept.rows[at]!, kept.rows[1 - at]!))
  const beyond = await keepPeople(superuser, people)
  const knowledge: Knowledge = {
    ...gathered,
    words,
    foreignIds: new Set(words.victim.ids),
    common: new Set(
      plinth.registry.resources.flatMap((each) => marksIn(JSON.stringify(builtInRows(plinth.registry, each)))),
    ),
    people: [],
    hostOf: undefined,
  }
  const orphans = orphanQuery(plinth.registry, attacker, platform.isolation)
  return {
    knowledge,
    tables,
    async restore() {
      const rows = await kept.restore()
      return (await beyond.restore()) || rows
    },
    quiet: () => quiet(superuser),
    async wrongRows(said = []) {
      const { changes, strangers } = await kept.changed()
      const [attackers, victims] = changes
      const words = [
        ...strangers,
        ...(await beyond.changed(people[1]!)),
        ...victims!.flatMap((change) => change.differences),
        ...attackers!.flatMap((change) => markedRows(change.table, change.now, said)),
      ]
      for (const row of attackers!.length === 0 || orphans === ''
        ? []
        : await superuser.query(orphans, [], { prepare: true })) {
        words.push(`${String(row['source'])}: rows of the attacker point at no row of his: ${String(row['rows'])}`)
      }
      return words
    },
  }
}

async function quiet(superuser: Driver): Promise<void> {
  const running = `select count(*)::int as running from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name = 'plinth' and state <> 'idle'`
  for (let still = 0; still < 3;) {
    await sleep(20)
    const [row] = await superuser.query(running)
    still = row?.['running'] === 0 ? still + 1 : 0
  }
}

interface TableChange {
  readonly table: string
  readonly now: readonly string[]
  readonly differences: readonly string[]
}

interface KeptRows {
  /** Of each tenant, as they were. */
  readonly rows: readonly TenantSnapshot[]
  /** Puts back what has changed since, and that alone: most requests change one table. True where anything has. */
  readonly restore: () => Promise<boolean>
  /** The changed tables of each tenant, and where rows of neither turned up, in words. */
  changed(): Promise<{ readonly changes: readonly (readonly TableChange[])[]; readonly strangers: readonly string[] }>
}

async function keepRows(
  superuser: Driver,
  tables: readonly TenantTable[],
  tenants: readonly TestTenant[],
): Promise<KeptRows> {
  const ids = tenants.map((tenant) => tenant.id)
  const rows = await Promise.all(ids.map((id) => takeSnapshot(superuser, tables, id)))
  let traces = await traceTables(superuser, tables, ids)
  const writtenSince = async (): Promise<{
    readonly written: readonly (readonly TenantTable[])[]
    readonly now: typeof traces
  }> => {
    const now = await traceTables(superuser, tables, ids)
    return {
      now,
      written: ids.map((_, at) => tables.filter(({ sql }) => now.get(sql)!.writes[at] !== traces.get(sql)!.writes[at])),
    }
  }
  return {
    rows,
    async restore() {
      const { written } = await writtenSince()
      if (written.every((each) => each.length === 0)) return false
      for (const [at, wrong] of written.entries())
        if (wrong.length > 0) await restoreSnapshot(superuser, wrong, ids[at]!, rows[at]!)
      traces = await traceTables(superuser, tables, ids)
      return true
    },
    async changed() {
      const { written, now } = await writtenSince()
      const changes: TableChange[][] = []
      for (const [at, wrong] of written.entries()) {
        const after = wrong.length === 0 ? undefined : await takeSnapshot(superuser, wrong, ids[at]!)
        changes.push(
          wrong.map(({ sql }) => {
            const before = rows[at]!.get(sql) ?? []
            return {
              table: sql,
              now: after!.get(sql)!,
              differences: snapshotDifferences(new Map([[sql, before]]), after!),
            }
          }),
        )
      }
      const strangers = tables
        .filter(({ sql }) => now.get(sql)!.strangers !== 0)
        .map(({ sql }) => `${sql}: rows of neither tenant: ${now.get(sql)!.strangers}`)
      return { changes, strangers }
    },
  }
}

/**
 * The attacker's rows hold no word of the victim. Into rows of a product he writes none that are taken, so the server would have; in
 * those of the platform stands what he said himself.
 */
function markedRows(table: string, rows: readonly string[], said: readonly WireRequest[]): string[] {
  const heard = table.startsWith('"plinth"') ? said.map(heardFrom).join('\n') : ''
  const foreign = (row: string): boolean => marksIn(row).some((mark) => !heard.includes(mark.toLowerCase()))
  // The counter of the outbox passes through every range of numbers.
  const marked = rows.map((row) => row.replace(/"seq":\d+/, '')).find((row) => isMarked(row) && foreign(row))
  return marked === undefined
    ? []
    : [`${table}: a row of the attacker holds ${marksIn(marked).slice(0, 3).join(', ')}: ${marked.slice(0, 300)}`]
}

function orphanQuery(registry: Registry, attacker: TestTenant, isolation: Isolation): string {
  const parts = registry.resources.flatMap((resource) =>
    resource.fields.flatMap((field) => {
      const parent = field.reference && registry.byTable.get(field.reference.to() as object)
      if (!parent) return []
      const column = `c."${field.sqlName}"`
      return [
        `select '${resource.sqlName}.${field.sqlName}' as source, count(*)::int as rows from ${tableOf(resource, attacker.id, isolation)} c
      where c.tenant_id = '${attacker.id}' and ${column} is not null
        and not exists (select 1 from ${tableOf(parent, attacker.id, isolation)} p where p.tenant_id = c.tenant_id and p.id = ${column})`,
      ]
    }),
  )
  return parts.length === 0 ? '' : `select * from (${parts.join(' union all ')}) s where rows > 0`
}

/**
 * For every key of the victim's shared actor an expired one: the same person, the same key, in both tenants. Clearing the
 * attacker's away must not clear the victim's.
 */
async function seedExpiredKeys(superuser: Driver, attacker: TestTenant, victim: TestTenant): Promise<void> {
  const [table] = await superuser.query(`select to_regclass('plinth.idempotency_keys') is not null as there`)
  if (table?.['there'] !== true) return
  for (const tenant of [attacker, victim]) {
    await superuser.query(
      `insert into plinth.idempotency_keys (tenant_id, principal, key, fingerprint, sealed, created_at, expires_at)
       select $1::uuid, principal, 'expired-' || key, fingerprint, sealed, '2039-01-01', '2039-01-02'
       from plinth.idempotency_keys where tenant_id = $2::uuid`,
      [tenant.id, victim.id],
    )
  }
}

/** Waits until the relay has handed on what the victim's work has put into the outbox. */
async function settled(
  superuser: Driver,
  tables: readonly TenantTable[],
  tenants: readonly TestTenant[],
): Promise<void> {
  const all = async (): Promise<string> => {
    const traces = await traceTables(
      superuser,
      tables,
      tenants.map((tenant) => tenant.id),
    )
    return [...traces.values()].flatMap((each) => each.writes).join()
  }
  for (let before = await all(), rounds = 0; rounds < 100; rounds += 1) {
    await sleep(400)
    const now = await all()
    if (now === before) return
    before = now
  }
  throw new Error('the stored rows do not come to rest: something writes into the tenants beside the test')
}
