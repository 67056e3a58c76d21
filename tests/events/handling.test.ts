import { defineResource, eventOf, on, resourceTable } from '@plinth/core'
import { testPlatform, type TestPlatform } from '@plinth/testing'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

const sites = resourceTable('sites', { name: text().notNull() })
const notes = resourceTable('notes', { site: text().notNull(), by: text().notNull() })
const site = defineResource({ table: sites })
const calls: string[] = []
let failures = 0
const note = (by: string, fails = false) =>
  on(eventOf(site), by, async (ctx, { data, type }) => {
    calls.push(`${by} ${type}`)
    await ctx.create(notes, { site: data.id, by: `${by} ${type}` })
    if (fails && type === 'site.created' && failures > 0) {
      failures -= 1
      throw new Error('the receiver is away')
    }
  })

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform({
    resources: [site, defineResource({ table: notes })],
    plinth: { handlers: [note('a'), note('b', true), note('c')] },
  })
})
afterAll(() => platform.close())

const events = () =>
  platform.superuser.query(
    'select type, attempts, last_error, to_json(handled)::text handled, delivered_at is not null delivered from plinth.events order by seq',
  )

test('of several handlers one fails: it alone is asked again, its effects are there once, and what came later waits', async () => {
  failures = 2
  const { full } = platform.a.actors
  const { json } = await platform.request(full, 'POST', '/api/v1/sites', { name: 'Bakery' })
  const { id } = json as { readonly id: string }
  await vi.waitFor(async () => expect((await events())[0]).toMatchObject({ last_error: 'b: the receiver is away' }), {
    timeout: 20_000,
  })
  expect((await events())[0]).toMatchObject({ handled: '["a","c"]', delivered: false })
  await platform.request(full, 'DELETE', `/api/v1/sites/${id}`)
  await vi.waitFor(async () => expect((await events()).every((event) => event['delivered'] === true)).toBe(true), {
    timeout: 20_000,
  })
  expect(calls).toEqual([
    'a site.created',
    'b site.created',
    'c site.created',
    'b site.created',
    'b site.created',
    'a site.deleted',
    'b site.deleted',
    'c site.deleted',
  ])
  const kept = await platform.superuser.query('select by from public.notes')
  expect(kept.map((row) => String(row['by'])).toSorted()).toEqual([...new Set(calls)].toSorted())
  expect((await events())[0]).toMatchObject({ attempts: 3, last_error: null, handled: '["a","c","b"]' })
})
