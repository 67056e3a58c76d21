import type { Driver, Parameter } from '@plinth/postgres/driver'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openHouse, type House, type Person } from '../../packages/features/rbac/tests/people.ts'
import { paper } from './papers.ts'

/*
 * 50,000 rows of two tenants, and people who may see few of them. The plans are committed: a change that makes a narrow scope read a
 * whole tenant shows in the diff.
 */
let house: House
let driver: Driver
let seen: { readonly text: string; readonly parameters: readonly Parameter[] }[] | undefined
const people = new Map<string, Person>()

beforeAll(async () => {
  house = await openHouse({
    resources: [paper],
    wrap(inner) {
      driver = inner
      return {
        ...inner,
        kind: inner.kind,
        query: (text, parameters = [], options) => {
          seen?.push({ text, parameters })
          return inner.query(text, parameters, options)
        },
        transaction: (work) => inner.transaction(work),
        script: (text) => inner.script(text),
        close: () => inner.close(),
      }
    },
  })
  const { superuser, a, b } = house.platform
  const admin = await house.member('ada', ['owner'])
  for (const [name, permissions] of [
    ['owner_of_few', ['paper:read:own']],
    ['member_of_group', ['paper:read:group']],
    ['both', ['paper:read:own', 'paper:read:group']],
    ['listed', []],
    ['own_and_listed', ['paper:read:own']],
    ['denied', ['paper:read']],
    ['listed_for_many', []],
  ] as const) {
    const role = await house.ask(admin, 'POST', 'roles', { name, permissions })
    if (role.status !== 201) throw new Error(role.body)
    people.set(name, await house.member(name, [name]))
  }
  const idOf = (name: string): string => people.get(name)!.id
  const group = randomUUID()
  await superuser.query(`insert into plinth.groups (tenant_id, id, name) values ('${a.id}', '${group}', 'few')`)
  for (const name of ['member_of_group', 'both'])
    await superuser.query(
      `insert into plinth.group_members (tenant_id, group_id, user_id) values ('${a.id}', '${group}', '${idOf(name)}')`,
    )
  const owners = ['owner_of_few', 'both', 'own_and_listed'].map((name) => `'${idOf(name)}'::uuid`).join(', ')
  for (const tenant of [a.id, b.id])
    await superuser.query(
      `insert into public.papers (tenant_id, id, owner_user_id, owner_group_id, batch, status, created_at)
       select '${tenant}', gen_random_uuid(),
         case when n % 1000 < 3 then (array[${owners}])[1 + n % 1000] else gen_random_uuid() end,
         case when '${tenant}' = '${a.id}' and n % 1000 = 7 then '${group}'::uuid end,
         'b' || n % 100, 'live', '2024-01-01'::timestamptz + n * interval '1 minute'
       from generate_series(1, 25000) n`,
    )
  for (const [name, effect, rows] of [
    ['listed', 'allow', 200],
    ['own_and_listed', 'allow', 200],
    ['denied', 'deny', 200],
    ['listed_for_many', 'allow', 5_000],
  ] as const)
    await superuser.query(
      `insert into plinth.acl_entries (tenant_id, id, model, action, record_id, subject_kind, subject_id, effect)
       select '${a.id}', gen_random_uuid(), 'paper', 'read', id::text, 'user', '${idOf(name)}', '${effect}'
       from public.papers where tenant_id = '${a.id}' order by created_at limit ${rows}`,
    )
  // The lists of everybody else.
  await superuser.query(
    `insert into plinth.acl_entries (tenant_id, id, model, action, record_id, subject_kind, subject_id, effect)
     select '${a.id}', gen_random_uuid(), 'paper', 'read', id::text, 'role', 'r' || (row_number() over ()) % 200, 'allow'
     from public.papers where tenant_id = '${a.id}'`,
  )
  await superuser.query('analyze public.papers')
  await superuser.query('analyze plinth.acl_entries')
  house.platform.database.forget()
}, 120_000)
afterAll(() => house.close())

test.each([
  ['owner_of_few', 'papers_owner_user_id_idx', 25],
  ['member_of_group', 'papers_owner_group_id_idx', 25],
  ['both', 'papers_owner_user_id_idx', 50],
  ['listed', 'papers_pk', 200],
  ['own_and_listed', 'papers_owner_user_id_idx', 224],
  ['denied', 'papers_recent_idx', 24_800],
  ['listed_for_many', 'papers_recent_idx', 5_000],
] as const)('%s lists by %s', async (name, index, rows) => {
  const who = people.get(name)!
  const counted = await house.ask(who, 'GET', 'papers?count=exact&pageSize=1')
  expect(counted.json, counted.body).toMatchObject({ page: { total: rows } })
  seen = []
  const reply = await house.ask(who, 'GET', 'papers')
  const lists = seen.filter(({ text }) => text.includes('"public"."papers"'))
  seen = undefined
  expect(reply.status, reply.body).toBe(200)
  expect(lists).toHaveLength(1)
  const { text, parameters } = lists[0]!
  const explained = await driver.query(`explain (costs off) ${text}`, parameters)
  const plan = explained.map((row) => String(row['QUERY PLAN'])).join('\n')
  expect(plan).toContain(index)
  expect(plan).not.toContain('Seq Scan')
  await expect(withoutValues(plan)).toMatchFileSnapshot(`plans/${name}.txt`)
})

/** Ids differ from run to run. */
function withoutValues(plan: string): string {
  return `${plan.replaceAll(/'[^']*'/g, "'…'").replaceAll(/\d{4}-\d\d-\d\d[^)]*/g, '…')}\n`
}
