import { audit } from '@plinth/audit'
import { depot, folders, layeredPlatform, policedTables, probeTables, type LayeredPlatform } from '@plinth/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'

/*
 * Row-level security of the tables of the log, asked in SQL under the runtime login: with every right that it does not have, so that
 * the policies themselves are proven, and with each policy taken away, so that the proof is.
 */
const APP = 'leak_app'
const TABLES = ['audit_inbox', 'audit_logs', 'audit_subject_keys']

let layered: LayeredPlatform
beforeAll(async () => {
  const feature = audit()
  const folder = depot.find((resource) => resource.table === folders)!
  layered = await layeredPlatform('both', { resources: [folder], features: [feature], rolePrefix: 'leak_' })
  const { platform } = layered
  for (const tenant of [platform.a, platform.b])
    await platform.request(tenant.actors.full, 'POST', '/api/v1/folders', { name: 'x' }, { 'user-agent': 'somebody' })
  await feature.seal()
  // What waits, too.
  for (const { id } of [platform.a, platform.b])
    await platform.superuser.query(
      `insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
       values ($1::uuid, now() + interval '1 day', 'system', 'test', 'test.waiting', 'r')`,
      [id],
    )
  for (const table of TABLES) {
    await platform.superuser.script(`grant select, insert, update, delete on plinth.${table} to ${APP}`)
    await platform.superuser.script(`alter table plinth.${table} disable trigger user`)
  }
}, 120_000)
afterAll(() => layered.close())

const probed = async () =>
  (await policedTables(layered.platform.superuser)).filter(({ sql }) =>
    TABLES.some((name) => sql.includes(`"${name}"`)),
  )

test('of another tenant nothing is seen, changed, given away, taken or locked', async () => {
  const { platform, driver } = layered
  const tables = await probed()
  expect(tables).toHaveLength(3)
  expect(await probeTables(driver.target, tables, platform.a, platform.b)).toEqual([])
})

test('with the policy of a table taken away, it shows', async () => {
  const { platform, driver } = layered
  for (const table of await probed()) {
    await platform.superuser.script(`drop policy plinth_tenant on ${table.sql}`)
    try {
      expect(await probeTables(driver.target, [table], platform.a, platform.b), table.sql).not.toEqual([])
    } finally {
      await platform.superuser.script(
        `create policy plinth_tenant on ${table.sql} as restrictive to ${APP} using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid)`,
      )
    }
  }
})
