import { createHash } from 'node:crypto'
import { capturedMail, testPlatform, type TestPlatform } from '@plinth/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shippedPolicies, type ShippedPolicy } from '../packages/postgres/src/catalog/shipped-policies.ts'
import { shippedMigrations } from '../packages/postgres/src/migrate/shipped-migrations.ts'
import { roleNames } from '../packages/postgres/src/roles/role-names.ts'
import { landedFeatures } from './feature-order/landed-features.ts'

// Every policy of every feature that there is: what its migrations say is what the database has, and what is missed where it is gone.

let platform: TestPlatform
let shipped: readonly ShippedPolicy[]
beforeAll(async () => {
  // The actors of a test come by service tokens of their own.
  const features = landedFeatures().filter(({ name }) => name !== 'service-tokens')
  const env = {
    ENVIRONMENT: 'test',
    PUBLIC_URL: 'https://app.example.com',
    SECRET_KEYS: `k1:${createHash('sha256').update('keys of the policies').digest('base64')}`,
  }
  platform = await testPlatform({
    resources: [],
    features,
    rolePrefix: 'shipped_',
    plinth: { mailer: capturedMail(), env },
  })
  shipped = shippedPolicies(await shippedMigrations(platform.plinth.registry), roleNames('shipped_'))
})
afterAll(() => platform.close())

const nameOf = ({ schema, table, name }: Pick<ShippedPolicy, 'schema' | 'table' | 'name'>): string =>
  `${schema}.${table} ${name}`

/** What start says. */
const faults = () => platform.database.check()

test('migrations say which policies there are: these, and no others', async () => {
  const live = await platform.superuser.query(
    `select schemaname::text as schema, tablename::text as "table", policyname::text as name from pg_policies where schemaname = 'plinth'`,
  )
  const names = live.map((row) => nameOf(row as unknown as ShippedPolicy))
  // Tables of tenants get these three by themselves.
  const ofEveryTable = / plinth_(tenant|app|system)$/
  const wanted = shipped.map(nameOf)
  expect(wanted.filter((name) => !names.includes(name))).toEqual([])
  expect(names.filter((name) => !wanted.includes(name) && !ofEveryTable.test(name))).toEqual([])
  expect(wanted).toEqual(expect.arrayContaining(['plinth.audit_inbox plinth_recorded']))
  expect(wanted.filter((name) => name.startsWith('plinth.background_jobs '))).toHaveLength(4)
})

test('each of them that is dropped by hand keeps the platform from starting, and what the fault says mends it', async () => {
  expect(await faults()).toEqual([])
  for (const policy of shipped) {
    await platform.superuser.query(`drop policy ${policy.name} on ${policy.schema}.${policy.table}`)
    const found = await faults()
    const [missing] = found.filter(
      ({ path }) => path === `table ${policy.schema}.${policy.table} policy ${policy.name}`,
    )
    expect(missing, nameOf(policy)).toMatchObject({ problem: 'is missing' })
    await platform.superuser.script(missing!.fix.startsWith('create policy') ? missing!.fix : policy.sql)
    expect(await faults(), nameOf(policy)).toEqual([])
  }
})

test('a rule for writing that is gone, or lets everything through, is found as well', async () => {
  for (const policy of shipped.filter(({ permissive, name }) => !permissive && name !== 'plinth_tenant')) {
    const on = `policy ${policy.name} on ${policy.schema}.${policy.table}`
    await platform.superuser.query(`alter ${on} with check (true)`)
    const [wrong] = await faults()
    expect(wrong?.problem, nameOf(policy)).toMatch(/^says nothing of /)
    await platform.superuser.script(wrong!.fix)
    expect(await faults()).toEqual([])
  }
})
