import { audit } from '@plinth/audit'
import {
  depot,
  folders,
  layeredPlatform,
  policedTables,
  probeTables,
  tablePolicies,
  type LayeredPlatform,
} from '@plinth/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'

/*
 * Row-level security of the tables of the log, asked in SQL under the runtime login: with every right that it does not have, so that
 * the policies themselves are proven, and with each policy taken away, so that the proof is.
 */
const APP = 'leak_app'
const TABLES = ['audit_inbox', 'audit_logs', 'audit_subject_keys', 'audit_checkpoints']

const quiet = { note: () => undefined, ask: () => Promise.resolve(undefined) }
let layered: LayeredPlatform
beforeAll(async () => {
  const feature = audit()
  const folder = depot.find((resource) => resource.table === folders)!
  layered = await layeredPlatform('both', { resources: [folder], features: [feature], rolePrefix: 'leak_' })
  const { platform } = layered
  // Nobody else seals what is to wait.
  await feature.stop?.()
  for (const tenant of [platform.a, platform.b])
    await platform.request(tenant.actors.full, 'POST', '/api/v1/folders', { name: 'x' }, { 'user-agent': 'somebody' })
  await feature.seal()
  await platform.plinth.commands.find(({ name }) => name === 'audit:checkpoint')!.run({}, quiet)
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
  expect(tables).toHaveLength(4)
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

/** An entry as SQL under the runtime login writes it, in a transaction of this principal. What refused it; undefined where nothing did. */
async function forge(
  principal: string | undefined,
  more: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  const { platform, driver } = layered
  const row: Readonly<Record<string, string>> = {
    tenant_id: platform.a.id,
    occurred_at: '2026-01-01T00:00:00Z',
    actor_kind: 'user',
    actor_id: 'himself',
    action: 'site.deleted',
    request_id: 'r',
    ...more,
  }
  class RollBack extends Error {}
  try {
    await driver.target.transaction(async (connection) => {
      await connection.query(`select set_config('plinth.tenant', $1::text, true)`, [platform.a.id])
      if (principal !== undefined)
        await connection.query(`select set_config('plinth.principal', $1::text, true)`, [principal])
      await connection.query(
        `insert into plinth.audit_inbox (${Object.keys(row).join(', ')})
         select ${Object.keys(row).join(', ')} from jsonb_populate_record(null::plinth.audit_inbox, $1::text::jsonb)`,
        [JSON.stringify(row)],
      )
      throw new RollBack()
    })
  } catch (error) {
    return error instanceof RollBack ? undefined : String((error as { readonly code?: unknown }).code)
  }
  return undefined
}

const forgeries: readonly (readonly [
  title: string,
  principal: string | undefined,
  more: Readonly<Record<string, string>>,
])[] = [
  ['of another principal', 'himself', { actor_id: 'somebody else' }],
  ['where the transaction has no principal', undefined, {}],
  ['where its principal is nobody', '', { actor_id: '' }],
  ['of a stranger', 'himself', { actor_kind: 'anonymous' }],
  ['of a denial', 'himself', { outcome: 'denied' }],
  ['of a thousand', 'himself', { repeated: '1000' }],
  ['of another tenant', 'himself', { tenant_id: '00000000-0000-0000-0000-000000000000' }],
]

test.each(forgeries)('an entry %s is refused', async (_title, principal, more) => {
  expect(await forge('himself')).toBeUndefined()
  expect(await forge(principal, more)).toBe('42501')
})

test('and is not where the policy is taken away', async () => {
  const { superuser } = layered.platform
  const [policy] = (await tablePolicies(superuser, 'plinth', 'audit_inbox')).filter(
    ({ name }) => name === 'plinth_recorded',
  )
  await superuser.script(policy!.drop)
  try {
    const through = await Promise.all(forgeries.slice(0, -1).map(([, principal, more]) => forge(principal, more)))
    expect(through).toEqual(forgeries.slice(0, -1).map(() => undefined))
  } finally {
    await superuser.script(policy!.create)
  }
})

test.each([
  ['a time that is none', { occurred_at: 'infinity' }],
  ['a time before all', { occurred_at: '0044-03-15 BC' }],
  ['a name that no index holds', { request_id: 'x'.repeat(513) }],
  ['a target that no index holds', { target: 'x'.repeat(2_049) }],
  ['an action without a name', { action: '' }],
])('%s does not get into the inbox', async (_title, more) => {
  expect(await forge('himself', more)).toBe('42501')
})
