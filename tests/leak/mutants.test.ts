import {
  attackPolicyMutant,
  countTenantConditions,
  depot,
  layeredPlatform,
  leakFuzzer,
  policedTables,
  policyMutations,
  prepareForProbes,
  probePolicyMutant,
  probeTables,
  statementForm,
  statementMutants,
  testJournal,
  testPlatform,
  type LayeredPlatform,
  type PolicyMutant,
  type PolicyMutation,
  type TestPlatformOptions,
} from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/*
 * Two layers keep tenants apart. Each is taken away in the smallest pieces there are, with the other one out of the way: a
 * fuzzer that stays green then would stay green when the piece is forgotten.
 */
const APP = 'leak_app'
const options: TestPlatformOptions = {
  resources: depot,
  features: [testJournal({ listen: () => undefined })],
  rolePrefix: 'leak_',
}
/** Requests after which a fuzzer that has found nothing gives up. The slowest mutant so far needed 610. */
const MOST_REQUESTS = 6_000

describe('row-level security, with the conditions out of the queries', { timeout: 300_000 }, () => {
  let policies: LayeredPlatform
  let owner: LayeredPlatform
  let mutations: readonly PolicyMutation[]

  beforeAll(async () => {
    policies = await layeredPlatform('policies', options)
    owner = await layeredPlatform('owner', options)
    mutations = await policyMutations(policies.platform.superuser, APP)
  })
  afterAll(async () => {
    await policies.close()
    await owner.close()
  })

  /** Under the login that the mutation matters to. */
  const under = (mutation: PolicyMutation): LayeredPlatform => (mutation.layers === 'owner' ? owner : policies)

  test('each policy of each table that a request reads: taken away, the fuzzer turns red', async () => {
    // Written by requests and read by none: what is in there cannot come back over HTTP. They have their turn below.
    const silent = [
      'events',
      'test_journal',
      'memberships',
      'user_roles',
      'groups',
      'group_members',
      'rate_limits',
      'tenants',
      'acl_entries',
    ].map((name) => `"plinth"."${name}"`)
    const mutants: PolicyMutant[] = []
    for (const mutation of mutations) {
      if (!silent.includes(mutation.table))
        mutants.push(await attackPolicyMutant(under(mutation), mutation, MOST_REQUESTS))
    }
    print('requests', mutants)
    expect(new Set(mutants.map((mutant) => mutant.table)).size).toBe(depot.length + 1)
    expect(mutants.filter((mutant) => mutant.noticed === undefined)).toEqual([])
    expect(
      mutants.filter((mutant) => !mutant.refused),
      'a start with this would not be refused',
    ).toEqual([])
  })

  test('put back, it is green again', async () => {
    for (const { platform, check } of [policies, owner]) {
      const { findings } = await leakFuzzer({ platform, seed: 'put back', requests: 1_500 })
      expect(findings).toEqual([])
      expect(await check()).toEqual([])
    }
  })

  test('each policy of every tenant table, read or not: taken away, SQL under the runtime login gets through', async () => {
    for (const layered of [policies, owner]) {
      await prepareForProbes(layered, APP)
      const { platform, driver } = layered
      expect(
        await probeTables(driver.target, await policedTables(platform.superuser), platform.a, platform.b),
        'with every policy in place',
      ).toEqual([])
    }
    const mutants: PolicyMutant[] = []
    for (const mutation of mutations) mutants.push(await probePolicyMutant(under(mutation), mutation))
    print('SQL', mutants)
    // Every table has the restrictive policy, the permissive one, ENABLE and FORCE.
    expect(mutants.length).toBe(4 * (await policedTables(policies.platform.superuser)).length)
    expect(mutants.filter((mutant) => mutant.noticed === undefined)).toEqual([])
  })
})

test(
  'the conditions in the queries, with row-level security out of the way: each single one, taken away, turns red',
  { timeout: 300_000 },
  async () => {
    const { platform, driver, close } = await layeredPlatform('conditions', options)
    try {
      // What the fuzzer makes the platform run, to see that the directed requests leave no form of statement out.
      const seen = new Set<string>()
      driver.observe = (text) => void seen.add(text)
      await leakFuzzer({ platform, seed: 'forms', requests: 5_000 })
      driver.observe = undefined

      const report = await statementMutants(platform, driver)
      const reasons = Map.groupBy(report.mutants, (mutant) => mutant.noticed ?? 'not noticed')
      console.info(
        `statement mutants: ${report.mutants.length} conditions in ${report.texts.size} statements, ${report.requests} requests, ${report.seconds.toFixed(1)} s; ` +
          [...reasons].map(([reason, mutants]) => `${reason} ${mutants.length}`).join(', '),
      )
      console.table(
        [...Map.groupBy(report.mutants, (mutant) => statementForm(mutant.text))].map(([statement, mutants]) => ({
          statement,
          mutants: mutants.length,
          red: mutants.filter((mutant) => mutant.noticed !== undefined).length,
        })),
      )
      expect(report.mutants.filter((mutant) => mutant.noticed === undefined)).toEqual([])
      expect(report.mutants.length).toBeGreaterThan(500)

      const directed = new Set([...report.texts].map(formOf))
      const conditioned = [...seen].filter((text) => countTenantConditions(text) > 0)
      expect(
        [...new Set(conditioned.map(formOf))].filter((form) => !directed.has(form) && !form.startsWith('lock ')),
        'forms that no directed request runs',
      ).toEqual([])
    } finally {
      await close()
    }
  },
)

describe('a start with a hole in it', () => {
  test.each([
    ['a dropped policy', 'drop policy plinth_tenant on public.crates', 'crates'],
    ['row-level security switched off', 'alter table public.folders disable row level security', 'folders'],
    ['FORCE removed', 'alter table public.documents no force row level security', 'documents'],
    ['a policy that lets everybody in', 'alter policy plinth_tenant on public.vaults using (true)', 'vaults'],
    ['a side table without a policy', 'drop policy plinth_tenant on plinth.idempotency_keys', 'idempotency_keys'],
  ])('%s: every request is 503 and the log names the table', async (_title, sql, table) => {
    const platform = await testPlatform(options)
    try {
      await platform.superuser.query(sql)
      const reply = await platform.request(platform.a.actors.full, 'GET', '/api/v1/crates')
      expect(reply).toMatchObject({ status: 503, json: { code: 'not_ready' } })
      expect(reply.headers['retry-after']).toBeDefined()
      expect(reply.body).not.toContain(table)
      expect(platform.log.text()).toContain(table)
    } finally {
      await platform.close()
    }
  })
})

test.each(['conditions', 'owner'] as const)(
  'a login that row-level security does not bind is refused at start: %s',
  async (layers) => {
    const { platform, close } = await layeredPlatform(layers, options)
    try {
      const faults = (await platform.database.check()).map((fault) => `${fault.path} ${fault.problem}`).join('\n')
      expect(faults).toMatch(
        layers === 'owner'
          ? /leak_test_owner is a member of leak_owner/
          : /leak_test_bypass .*(BYPASSRLS|every tenant)/i,
      )
    } finally {
      await close()
    }
  },
)

/**
 * Without whose rows it is about: owners are filtered by as well, and each mixture of filter and scope would be a form. A lock alone
 * is no form either: what it finds is changed by a statement with conditions of its own, and shown to nobody.
 */
function formOf(text: string): string {
  return statementForm(text).replace(/ within (?:owner_user_id|owner_group_id)(?: owner_group_id)?/, '')
}

function print(how: string, mutants: readonly PolicyMutant[]): void {
  const red = mutants.filter((mutant) => mutant.noticed !== undefined).length
  console.info(`policy mutants by ${how}: ${red} of ${mutants.length} red`)
  console.table(
    mutants.map(({ table, what, noticed, requests, refused }) => ({
      table: table.replaceAll('"', ''),
      mutant: what,
      by: noticed ?? 'GREEN',
      ...(requests > 0 && { requests }),
      'start refused': refused,
    })),
  )
}
