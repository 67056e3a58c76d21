import { belongsTo, defineResource, deletedAt, resourceTable } from '@plinth/core'
import { testPlatform, type TestPlatform } from '@plinth/testing'
import type { Driver, Parameter } from '@plinth/postgres/driver'
import { index, integer, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, test } from 'vitest'

/*
 * 50,000 rows of two tenants, and the plan of each statement that a request runs. A plan that reads a whole table is a request
 * whose cost grows with everybody's rows.
 */
const sites = resourceTable('sites', { name: text().notNull() })
const monitors = resourceTable(
  'monitors',
  {
    name: text().notNull(),
    state: text().notNull(),
    rank: integer(),
    deletedAt: deletedAt(),
    siteId: belongsTo(() => sites, { onDelete: 'cascade' }).notNull(),
  },
  (table) => [
    index('monitors_name_idx').on(table.tenantId, table.name, table.id),
    index('monitors_state_idx').on(table.tenantId, table.state),
    index('monitors_rank_idx').on(table.tenantId, table.rank, table.id),
  ],
)
const resources = [
  defineResource({ table: sites }),
  defineResource({
    table: monitors,
    fields: {
      name: { filter: true, sort: true },
      state: { filter: true },
      rank: { filter: true, sort: true },
    },
  }),
]

let platform: TestPlatform
let driver: Driver
let seen: { readonly text: string; readonly parameters: readonly Parameter[] }[] | undefined
let site: string
let monitor: string
beforeAll(async () => {
  platform = await testPlatform({
    resources,
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
  const { superuser, a, b } = platform
  for (const tenant of [a.id, b.id]) {
    await superuser.query(
      `insert into public.sites (tenant_id, id, name, created_at)
       select '${tenant}', gen_random_uuid(), 's' || n, '2024-01-01'::timestamptz + n * interval '1 minute' from generate_series(1, 500) n`,
    )
    await superuser.query(
      `insert into public.monitors (tenant_id, id, name, state, rank, site_id, created_at)
       select '${tenant}', gen_random_uuid(), 'm' || n, case when n % 500 = 0 then 'down' else 'up' end, n % 1000,
         (select id from public.sites where tenant_id = '${tenant}' and name = 's' || (1 + n % 500)),
         '2024-01-01'::timestamptz + n * interval '1 minute'
       from generate_series(1, 25000) n`,
    )
  }
  await superuser.query('analyze public.sites')
  await superuser.query('analyze public.monitors')
  const [row] = await superuser.query(
    `select m.id, m.site_id from public.monitors m where tenant_id = '${a.id}' and name = 'm777'`,
  )
  monitor = String(row!['id'])
  site = String(row!['site_id'])
})
afterAll(() => platform.close())

/** The plans of the statements that a request runs, and what it answered. */
async function plansOf(path: string, method = 'GET', body?: unknown): Promise<readonly string[]> {
  seen = []
  const reply = await platform.request(platform.a.actors.full, method, `/api/v1/${path}`, body)
  const statements = seen
  seen = undefined
  expect(reply.status, reply.body).toBeLessThan(300)
  const plans: string[] = []
  for (const { text, parameters } of statements.filter((each) => each.text.includes('"public".'))) {
    const rows = await driver.query(`explain (costs off) ${text}`, parameters)
    plans.push(rows.map((row) => String(row['QUERY PLAN'])).join('\n'))
  }
  return plans
}

test.each<[path: string, indexes: readonly string[]]>([
  ['monitors', ['monitors_recent_idx']],
  ['monitors?page=40&pageSize=100', ['monitors_recent_idx']],
  ['monitors?name=m42', ['monitors_name_idx']],
  ['monitors?name[in]=m42,m43', ['monitors_name_idx']],
  ['monitors?state=down', ['monitors_state_idx']],
  ['monitors?sort=name', ['monitors_name_idx']],
  ['monitors?sort=-name', ['monitors_name_idx']],
  ['monitors?sort=rank', ['monitors_rank_idx']],
  ['monitors?rank=7', ['monitors_rank_idx']],
  ['monitors?createdAt[gte]=2024-01-18T08:00:00Z', ['monitors_recent_idx']],
  ['monitors?include=site', ['monitors_recent_idx', 'sites_pk']],
  ['sites?include=monitors', ['sites_recent_idx', 'monitors_site_id_idx']],
  ['sites?include=monitors&pageSize=100', ['sites_recent_idx', 'monitors_site_id_idx']],
])('GET %s reads by %j', async (path, indexes) => {
  const plans = await plansOf(path)
  expect(plans).toHaveLength(indexes.length)
  for (const [at, name] of indexes.entries()) {
    expect(plans[at]).toContain(name)
    expect(plans[at], plans[at]!).not.toContain('Seq Scan')
  }
})

test('rows, references and the children of one row', async () => {
  expect((await plansOf(`monitors/${monitor}?include=site`)).join('\n')).not.toContain('Seq Scan')
  const [list] = await plansOf(`monitors?siteId=${site}`)
  expect(list).toContain('monitors_site_id_idx')
  // The index is in the order of a list: nothing is sorted.
  expect(list).not.toContain('Sort')
  const [, children] = await plansOf(`sites/${site}?include=monitors`)
  expect(children).toContain('monitors_site_id_idx')
  expect(children).not.toContain('Sort')
})

test('the batches of an export go on where the one before ended', async () => {
  seen = []
  const answer = await platform.plinth.fetch(
    new Request('http://localhost/api/v1/monitors?format=csv&fields=id', {
      headers: { authorization: `Bearer ${platform.a.actors.full.token}` },
    }),
  )
  expect((await answer.text()).split('\r\n').length).toBe(25_002)
  const batches = seen.filter((each) => each.text.includes('"public".'))
  seen = undefined
  for (const at of [0, 50, batches.length - 1]) {
    const { text, parameters } = batches[at]!
    const rows = await driver.query(`explain (costs off) ${text}`, parameters)
    const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n')
    expect(plan).toContain('monitors_recent_idx')
    // The last of them may be so few that PostgreSQL would rather sort them.
    expect(plan).not.toMatch(at === batches.length - 1 ? /Seq Scan/ : /Seq Scan|Sort/)
  }
})
