import { systemClock, type Platform } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { peoplePlatform, type PeoplePlatform, type Person } from '../../tests/people-platform.ts'
import { purgeCommand } from './purge-tenants.ts'

/* Clocks of processes are wrong, by days, in either direction: the days of grace go by the clock of the database. */

const DAY_MS = 86_400_000

describe.each([
  ['ahead', 10],
  ['behind', -10],
])('ten days %s', (_how, days) => {
  let platform: PeoplePlatform
  let parts: Platform
  let owner: Person
  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * DAY_MS })
    platform = await peoplePlatform({
      features: [{ name: 'inside', start: (started) => void (parts = started) }],
      plinth: { clock: systemClock },
    })
    owner = await platform.person()
  })
  afterAll(async () => {
    vi.useRealTimers()
    await platform.close()
  })

  /** A tenant whose end was asked for, and how many days it has by the clock of the database. */
  async function ended(slug: string): Promise<{ readonly id: string; readonly days: number }> {
    const made = await platform.ask(owner, 'POST', '/api/v1/tenants', { name: slug, slug }, { in: null })
    const { id } = made.json as { id: string }
    const asked = await platform.ask(owner, 'DELETE', `/api/v1/tenants/${id}`, undefined, { in: null })
    expect(asked.status, asked.body).toBe(204)
    const [row] = await platform.stored(
      `select extract(epoch from delete_after - clock_timestamp())::float8 / 86400 as days from plinth.tenants where id = $1::uuid`,
      [id],
    )
    return { id, days: Number(row!['days']) }
  }

  const purge = (): Promise<unknown> =>
    purgeCommand.run(parts, {}, { note: () => undefined, ask: () => Promise.resolve(undefined) })
  const isThere = async (id: string): Promise<boolean> =>
    (await platform.stored('select id from plinth.tenants where id = $1::uuid', [id])).length === 1
  const endsIn = (id: string, interval: string): Promise<unknown> =>
    platform.stored(
      `update plinth.tenants set delete_after = clock_timestamp() + $2::text::interval where id = $1::uuid`,
      [id, interval],
    )

  test('a tenant has its days of grace, no fewer and no more', async () => {
    const { id, days: given } = await ended('graced')
    expect(given).toBeCloseTo(30, 1)
    await endsIn(id, '9 days')
    await purge()
    expect(await isThere(id)).toBe(true)
    await endsIn(id, '-1 minute')
    await purge()
    expect(await isThere(id)).toBe(false)
  })
})
