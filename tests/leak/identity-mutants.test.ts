import {
  attackPolicyMutant,
  capturedMail,
  depot,
  layeredPlatform,
  policedTables,
  policyMutations,
  prepareForProbes,
  probePolicyMutant,
  probeTables,
  type LayeredPlatform,
  type PolicyMutant,
  type PolicyMutation,
} from '@plinth/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attackers, identityOptions } from './attackers.ts'

/*
 * What identity, tenancy and roles add to the tables of tenants, each with row-level security of its own. Taken away in the smallest
 * pieces there are, it must show: by SQL under the runtime login for every table, and by requests for those that a resource reads.
 */
const APP = 'leak_app'
const MOST_REQUESTS = 6_000

let policies: LayeredPlatform
let owner: LayeredPlatform
let mutations: readonly PolicyMutation[]

async function open(layers: 'policies' | 'owner'): Promise<LayeredPlatform> {
  const mail = capturedMail()
  const layered = await layeredPlatform(layers, { ...identityOptions(mail), resources: depot, rolePrefix: 'leak_' })
  // With both layers in place: what people do first must succeed.
  const { rewrite } = layered.driver
  layered.driver.rewrite = undefined
  await attackers(layered.platform, mail)
  layered.driver.rewrite = rewrite
  return layered
}

beforeAll(async () => {
  policies = await open('policies')
  owner = await open('owner')
  mutations = (await policyMutations(policies.platform.superuser, APP)).filter(({ table }) =>
    table.startsWith('"plinth"'),
  )
}, 180_000)
afterAll(async () => {
  await policies.close()
  await owner.close()
})

const under = ({ layers }: PolicyMutation): LayeredPlatform => (layers === 'owner' ? owner : policies)

function tell(how: string, mutants: readonly PolicyMutant[]): void {
  const red = mutants.filter(({ noticed }) => noticed !== undefined).length
  console.info(`policy mutants of identity by ${how}: ${red} of ${mutants.length} red`)
  console.table(
    mutants.map(({ table, what, noticed, requests, refused }) => ({ table, what, noticed, requests, refused })),
  )
}

test(
  'each policy of each platform table that a resource reads: taken away, the fuzzer turns red',
  { timeout: 900_000 },
  async () => {
    const { registry } = policies.platform.plinth
    const read = registry.resources.filter(({ origin }) => origin === 'platform')
    const names = new Set(read.map(({ sqlName }) => `"plinth"."${sqlName}"`))
    const mutants: PolicyMutant[] = []
    for (const mutation of mutations)
      if (names.has(mutation.table)) mutants.push(await attackPolicyMutant(under(mutation), mutation, MOST_REQUESTS))
    tell('requests', mutants)
    expect(new Set(mutants.map(({ table }) => table))).toEqual(names)
    expect(mutants.filter(({ noticed }) => noticed === undefined)).toEqual([])
    expect(mutants.filter(({ refused }) => !refused)).toEqual([])
  },
)

test(
  'each policy of every platform table of tenants: taken away, SQL under the runtime login gets through',
  { timeout: 300_000 },
  async () => {
    for (const layered of [policies, owner]) {
      await layered.platform.twoTenants()
      for (const { id, slug } of [layered.platform.a, layered.platform.b])
        await layered.platform.superuser.query(
          `insert into plinth.verified_domains (domain, tenant_id, domain_id)
           select $2::text || '.example', tenant_id, id from plinth.domains where tenant_id = $1::uuid order by id limit 1`,
          [id, slug],
        )
      await prepareForProbes(layered, APP)
      const { platform, driver } = layered
      const tables = (await policedTables(platform.superuser)).filter(({ sql }) => sql.startsWith('"plinth"'))
      expect(await probeTables(driver.target, tables, platform.a, platform.b), 'with every policy in place').toEqual([])
    }
    const mutants: PolicyMutant[] = []
    for (const mutation of mutations) mutants.push(await probePolicyMutant(under(mutation), mutation))
    tell('SQL', mutants)
    expect(mutants.filter(({ noticed }) => noticed === undefined)).toEqual([])
  },
)
