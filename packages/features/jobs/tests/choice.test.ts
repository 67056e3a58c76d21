import { defineJob, type Feature, type FixedStatement, type Platform, type StatementRunner } from '@plinth/core'
import { testPlatform, type TestPlatform } from '@plinth/testing'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { jobs } from '../src/index.ts'
import { chooseNext } from '../src/mover/hand-over.ts'
import type { Delivery } from '../src/queue/deliveries.ts'
import { note } from './job-platform.ts'

/* What goes next, beside what lies in the line of the only worker. No request was made, so nothing runs here. */

const anything = { input: z.object({}), run: () => undefined }
const plain = defineJob({ name: 'plain', ...anything })
const limited = defineJob({ name: 'limited', perTenant: 2, ...anything })

let platform: TestPlatform
let inner: Platform
let system: StatementRunner
let [a, b] = ['', '']
beforeAll(async () => {
  const inside: Feature = { name: 'test-inside', start: (given) => void (inner = given) }
  platform = await testPlatform({ resources: [note], features: [jobs(), inside], plinth: { jobs: [plain, limited] } })
  system = { run: (given: FixedStatement) => inner.database.systemStatement(given) }
  ;[a, b] = [platform.a.id, platform.b.id]
}, 60_000)
afterAll(() => platform.close())
beforeEach(() => platform.superuser.script('delete from plinth.background_jobs'))

const ask = async (tenantId: string, names: string, type = 'plain', key: string | null = null): Promise<void> => {
  for (const name of names.split(' '))
    await platform.superuser.query(
      `insert into plinth.background_jobs (tenant_id, id, type, payload, status, max_attempts, run_at, principal_kind, principal_id,
         second_factor, request_id, key)
       values ($1::uuid, gen_random_uuid(), $2, '{}', 'waiting', 1, now(), 'system', 'system', true, $3, $4)`,
      [tenantId, type, name, key],
    )
}
const inLine = async (names: string): Promise<readonly Delivery[]> => {
  const rows = await platform.superuser.query(
    `select tenant_id, id, delivery from plinth.background_jobs where request_id = any(string_to_array($1, ' '))`,
    [names],
  )
  return rows.map((row) => ({
    tenantId: String(row['tenant_id']),
    id: String(row['id']),
    delivery: String(row['delivery']),
  }))
}
const chosen = async (window: number, line: string, served: readonly string[] = []) => {
  const unmarked = await inLine(line)
  const { parcels, crowded } = await chooseNext(system, inner.registry.jobs, window, { served, unmarked })
  const rows = await platform.superuser.query('select delivery, request_id from plinth.background_jobs')
  const names = new Map(rows.map((row) => [row['delivery'], String(row['request_id'])]))
  return {
    crowded,
    chosen: parcels.map(({ delivery, priority, bound }) => `${names.get(delivery)}${priority}${bound ? ' bound' : ''}`),
  }
}

test('what is in the line is not chosen again, and counts as on its way', async () => {
  await ask(a, 'a1 a2 a3 a4')
  await ask(b, 'b1 b2')
  expect(await chosen(9, '')).toEqual({ crowded: false, chosen: expect.arrayContaining(['a1-1', 'b1-1', 'a4-4']) })
  expect((await chosen(9, 'a1 a2')).chosen.toSorted()).toEqual(['a3-3', 'a4-4', 'b1-1', 'b2-2'])
  expect((await chosen(3, 'a1 a2 b1')).chosen.toSorted()).toEqual(['a3-3', 'b2-2'])
  expect(await chosen(2, 'a1 a2 b1 b2')).toEqual({ crowded: true, chosen: [] })
  expect(await chosen(9, 'a1 a2 a3 a4 b1 b2')).toEqual({ crowded: false, chosen: [] })
})

test('of who has enough in the line nothing is chosen, and it is said that more may wait', async () => {
  await ask(a, 'a1 a2')
  await ask(b, 'b1')
  expect(await chosen(9, '', [a])).toEqual({ crowded: true, chosen: ['b1-1'] })
  expect(await chosen(9, '', [a, b])).toEqual({ crowded: true, chosen: [] })
})

test('what the turn of others depends on is said to be so: a key, and a limit', async () => {
  await ask(a, 'a1', 'limited')
  await ask(a, 'a2', 'plain', 'k')
  await ask(a, 'a3', 'plain', 'k')
  await ask(a, 'a4')
  expect((await chosen(9, '')).chosen).toEqual(['a1-1 bound', 'a2-2 bound', 'a4-3'])
})
