import type { Driver } from '@plinth/postgres/driver'
import { tenantTables } from '../tenants/tenant-tables.ts'
import { arenaOf } from './arena.ts'
import type { LayeredPlatform } from './layered-platform.ts'
import { leakFuzzer } from './leak-fuzzer.ts'
import { probeTables, type ProbedTable } from './probe-tables.ts'
import { tablePolicies } from './table-policies.ts'

/** One thing taken away from the row-level security of one table, and put back. */
export interface PolicyMutation {
  readonly table: string
  /** `policy plinth_tenant dropped`, `row security disabled`, `FORCE removed`. */
  readonly what: string
  readonly apply: string
  readonly revert: string
  /** Under which login it can be noticed: FORCE binds the owner alone. */
  readonly layers: 'policies' | 'owner'
}

export interface PolicyMutant extends Pick<PolicyMutation, 'table' | 'what'> {
  /** Whether the comparison of the catalog names the table, so that a start would be refused. */
  readonly refused: boolean
  /** How it was noticed; undefined when it was not. */
  readonly noticed: string | undefined
  readonly words: string | undefined
  readonly requests: number
}

/** Every mutation of every table with a policy: the tables of tenants, and that of the tenants themselves. */
export async function policyMutations(superuser: Driver, appRole: string): Promise<readonly PolicyMutation[]> {
  const mutations: PolicyMutation[] = []
  for (const table of await policedTables(superuser)) {
    const [, schema, name] = /^"(.*)"\."(.*)"$/.exec(table.sql)!
    for (const policy of await tablePolicies(superuser, schema!, name!)) {
      // Policies of other roles (the relay's, the lookup's) are not what the runtime login is bound by.
      if (!policy.create.includes(`"${appRole}"`)) continue
      mutations.push({
        table: table.sql,
        what: `policy ${policy.name} dropped`,
        apply: policy.drop,
        revert: policy.create,
        layers: 'policies',
      })
    }
    const alter = (words: string): string => `alter table ${table.sql} ${words} row level security`
    mutations.push({
      table: table.sql,
      what: 'row security disabled',
      apply: alter('disable'),
      revert: alter('enable'),
      layers: 'policies',
    })
    mutations.push({
      table: table.sql,
      what: 'FORCE removed',
      apply: alter('no force'),
      revert: alter('force'),
      layers: 'owner',
    })
  }
  return mutations
}

/** Tables with a column `tenant_id`, and `plinth.tenants`, whose own id says whose a row is. */
export async function policedTables(superuser: Driver): Promise<readonly ProbedTable[]> {
  const tables = (await tenantTables(superuser)).map((table): ProbedTable => ({ sql: table.sql, column: 'tenant_id' }))
  return [...tables, { sql: '"plinth"."tenants"', column: 'id' }]
}

/** Applies a mutation to a platform that has verified its database already, attacks it over HTTP, and puts it back. */
export async function attackPolicyMutant(
  { platform, check }: LayeredPlatform,
  mutation: PolicyMutation,
  requests: number,
): Promise<PolicyMutant> {
  // While all is well: what the victim does first must succeed.
  await arenaOf(platform)
  return mutated(platform.superuser, mutation, async () => {
    const faults = await check()
    const report = await leakFuzzer({
      platform,
      seed: `${mutation.table} ${mutation.what}`,
      requests,
      stopAtFirst: true,
    })
    return {
      table: mutation.table,
      what: mutation.what,
      requests: report.requests,
      noticed: report.findings[0]?.kind,
      words: report.findings[0]?.words,
      refused: faults.some((fault) => JSON.stringify(fault).includes(plainName(mutation.table))),
    }
  })
}

/** The same by SQL under the runtime login, for the tables that no route touches. */
export async function probePolicyMutant(
  { platform, driver, check }: LayeredPlatform,
  mutation: PolicyMutation,
): Promise<PolicyMutant> {
  const table = (await policedTables(platform.superuser)).find((each) => each.sql === mutation.table)!
  return mutated(platform.superuser, mutation, async () => {
    const faults = await check()
    const [first] = await probeTables(driver.target, [table], platform.a, platform.b)
    return {
      table: mutation.table,
      what: mutation.what,
      requests: 0,
      noticed: first?.slice(table.sql.length + 2),
      words: first,
      refused: faults.some((fault) => JSON.stringify(fault).includes(plainName(mutation.table))),
    }
  })
}

async function mutated<T>(superuser: Driver, mutation: PolicyMutation, work: () => Promise<T>): Promise<T> {
  await superuser.query(mutation.apply)
  try {
    return await work()
  } finally {
    await superuser.query(mutation.revert)
  }
}

function plainName(table: string): string {
  return table.replaceAll('"', '').split('.')[1]!
}

/**
 * Makes the tables that no resource writes ready to be probed: a row of each tenant in each, and every right on rows for the
 * runtime login, so that what refuses is the policy and not a missing grant.
 */
export async function prepareForProbes({ platform }: LayeredPlatform, appRole: string): Promise<void> {
  const { superuser, a, b } = platform
  await arenaOf(platform)
  const [user] = await superuser.query(
    'insert into plinth.users (id, email) values (gen_random_uuid(), $1::text) returning id',
    ['probe@example.com'],
  )
  for (const tenant of [a, b]) {
    const id = String(user?.['id'])
    await superuser.query(
      'insert into plinth.memberships (tenant_id, id, user_id) values ($1::uuid, gen_random_uuid(), $2::uuid)',
      [tenant.id, id],
    )
    await superuser.query(
      `insert into plinth.user_roles (tenant_id, user_id, role) values ($1::uuid, $2::uuid, 'probe')`,
      [tenant.id, id],
    )
    const [group] = await superuser.query(
      'insert into plinth.groups (tenant_id, id, name) values ($1::uuid, gen_random_uuid(), $2::text) returning id',
      [tenant.id, 'probe'],
    )
    await superuser.query(
      'insert into plinth.group_members (tenant_id, group_id, user_id) values ($1::uuid, $2::uuid, $3::uuid)',
      [tenant.id, String(group?.['id']), id],
    )
  }
  for (const tenant of [a, b])
    await superuser.query(
      `insert into plinth.rate_limits (tenant_id, scope, max_requests, window_seconds)
       values ($1::uuid, 'tenant', 1000, 60) on conflict do nothing`,
      [tenant.id],
    )
  for (const tenant of [a, b])
    await superuser.query(
      `insert into plinth.acl_entries (tenant_id, id, model, action, subject_kind, subject_id, effect)
       values ($1::uuid, gen_random_uuid(), 'probe', 'read', 'role', 'probe', 'allow') on conflict do nothing`,
      [tenant.id],
    )
  for (const table of await policedTables(superuser)) {
    await superuser.query(`grant select, insert, update, delete on ${table.sql} to "${appRole}"`)
    await copyRowsToAttacker(superuser, table, platform.a.id, platform.b.id)
  }
}

/** A table in which only the victim has rows (what his work wrote) gets the same rows for the attacker. */
async function copyRowsToAttacker(
  superuser: Driver,
  { sql, column }: ProbedTable,
  attacker: string,
  victim: string,
): Promise<void> {
  const [count] = await superuser.query(
    `select count(*) filter (where ${column} = $1::uuid)::int as own, count(*) filter (where ${column} = $2::uuid)::int as foreign_rows from ${sql}`,
    [attacker, victim],
  )
  if (count?.['foreign_rows'] === 0) throw new Error(`${sql} has no row of the victim: nothing would be proven there`)
  if (count?.['own'] !== 0) return
  await superuser.transaction(async (connection) => {
    // What they point at is the victim's.
    await connection.query('set local session_replication_role = replica')
    await connection.query(
      `insert into ${sql} overriding system value
       select (jsonb_populate_record(t, jsonb_build_object('${column}', $1::text))).* from ${sql} t where ${column} = $2::uuid`,
      [attacker, victim],
    )
  })
}
