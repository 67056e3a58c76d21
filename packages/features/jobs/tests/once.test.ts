import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Context } from '@plinth/core'
import { jobPlatform, notes, writeNote, type JobPlatform } from './job-platform.ts'

describe.each(['postgres', 'pglite'] as const)('what is done once on %s', (kind) => {
  let platform: JobPlatform
  let done = 0

  beforeAll(async () => {
    platform = await jobPlatform([writeNote], {}, { kind })
  })
  beforeEach(async () => {
    done = 0
    await platform.superuser.script('delete from plinth.kept_results; delete from notes')
  })
  afterAll(() => platform.close())

  const within = <T>(work: (ctx: Context) => Promise<T>): Promise<T> =>
    platform.plinth.as(platform.principal(), platform.a.slug, work)
  const pay = async (ctx: Context): Promise<number> => {
    done += 1
    const number = done
    await ctx.create(notes, { title: `paid ${number}` })
    await new Promise((resolve) => setTimeout(resolve, 20))
    return number
  }
  const failing = (ctx: Context): Promise<unknown> =>
    ctx.once('pay', () => Promise.reject(new Error('no'))).catch(() => 'caught')

  test('of a hundred at once that find that the first has failed, one works', async () => {
    expect(await within(failing)).toBe('caught')
    const results = await Promise.all(
      Array.from({ length: 100 }, () => within((ctx) => ctx.once('pay', () => pay(ctx)))),
    )
    expect(new Set(results)).toEqual(new Set([1]))
    expect(await platform.titles()).toEqual(['paid 1'])
  })

  test('of a hundred at once that are the first, one works', async () => {
    const results = await Promise.all(
      Array.from({ length: 100 }, () => within((ctx) => ctx.once('pay', () => pay(ctx)))),
    )
    expect(new Set(results)).toEqual(new Set([1]))
    expect(await platform.titles()).toEqual(['paid 1'])
  })

  test('what fails for several is done by the next one, once', async () => {
    for (let at = 0; at < 3; at += 1) await within(failing)
    const all = await Promise.allSettled(
      Array.from({ length: 10 }, (_, at) =>
        within(async (ctx) => (at % 2 === 0 ? await failing(ctx) : await ctx.once('pay', () => pay(ctx)))),
      ),
    )
    const worked = all.map((one) => (one.status === 'fulfilled' ? one.value : one.reason))
    expect(worked.filter((_, at) => at % 2 === 1)).toEqual([1, 1, 1, 1, 1])
    expect(await platform.titles()).toEqual(['paid 1'])
    expect(await within((ctx) => ctx.once('pay', () => pay(ctx)))).toBe(1)
  })

  test('what was rolled back was not done', async () => {
    const rolledBack = within(async (ctx) => {
      await ctx.once('pay', () => pay(ctx))
      throw new Error('no')
    })
    await expect(rolledBack).rejects.toThrow('no')
    expect(await within((ctx) => ctx.once('pay', () => pay(ctx)))).toBe(2)
    expect(await platform.titles()).toEqual(['paid 2'])
  })

  test('in one transaction, at once, it is done once, and by the second where the first fails', async () => {
    const both = await within((ctx) =>
      Promise.all([failing(ctx), ctx.once('pay', () => pay(ctx)), ctx.once('pay', () => pay(ctx))]),
    )
    expect(both).toEqual(['caught', 1, 1])
    expect(await platform.titles()).toEqual(['paid 1'])
  })

  test('nothing is a result, too', async () => {
    const nothing = (ctx: Context): Promise<unknown> => ctx.once('nothing', async () => void (done += 1))
    await within(nothing)
    expect(await within(nothing)).toBeNull()
    expect(done).toBe(1)
  })

  test('within its own work it is told so, and does not wait for itself; another key within it is one', async () => {
    const nested = within((ctx) => ctx.once('pay', () => ctx.once('pay', () => pay(ctx))))
    await expect(nested).rejects.toThrow("ctx.once('pay') within its own work")
    expect(await within((ctx) => ctx.once('all', () => ctx.once('pay', () => pay(ctx))))).toBe(1)
    expect(await platform.titles()).toEqual(['paid 1'])
  })
})
