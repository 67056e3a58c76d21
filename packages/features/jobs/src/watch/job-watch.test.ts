import { problem, type Platform, type RawRow } from '@plinth/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { JobWatch } from './job-watch.ts'
import type { Watcher } from './watcher.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A table that the test writes (`t 1` → version), and how often it was looked at. */
function table() {
  const versions = new Map<string, string>()
  const state = { looks: 0, isServing: true, isBusy: false, watchers: 0 }
  let look = (): Promise<readonly RawRow[]> =>
    Promise.resolve(
      [...versions].map(([key, version]) => ({ tenant_id: key.split(' ')[0]!, id: key.split(' ')[1]!, version })),
    )
  const lines: unknown[] = []
  const platform = {
    database: { systemStatement: () => ((state.looks += 1), look()) },
    load: {
      get isServing() {
        return state.isServing
      },
      get isBusy() {
        return state.isBusy
      },
      refuseExcess: () => {
        throw problem('overloaded')
      },
    },
    log: { warn: (event: string, fields: object) => void lines.push({ event, ...fields }) },
    metrics: { gauge: () => ({ set: (_: object, value: number) => void (state.watchers = value) }) },
  }
  const watch = new JobWatch(platform as unknown as Platform)
  const join = (id: string, tenantId = 't', who = 'user:u'): Watcher => watch.join({ tenantId, id, who })
  return { versions, state, watch, join, lines, answer: (other: typeof look) => void (look = other) }
}
const pass = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds)
/** What each sees meanwhile. */
async function seen(milliseconds: number, ...watchers: readonly Watcher[]): Promise<readonly string[]> {
  const all = Promise.all(watchers.map((each) => each.next(milliseconds)))
  await pass(milliseconds)
  return all
}

test('one look serves all, whoever watches another one is not woken, and nobody looks for nobody', async () => {
  const { versions, state, join } = table()
  versions.set('t 1', '1').set('t 2', '1')
  const all = [join('1'), join('1'), join('2'), join('1', 'u')]
  expect(await seen(250, ...all)).toEqual(['changed', 'changed', 'changed', 'changed'])
  versions.set('t 1', '2')
  expect(await seen(1_000, ...all)).toEqual(['changed', 'changed', 'quiet', 'quiet'])
  expect([state.looks, state.watchers]).toEqual([5, 4])
  for (const each of all) each.leave()
  await pass(10_000)
  expect([state.looks, state.watchers]).toEqual([5, 0])
  const late = join('1')
  await pass(250)
  expect(state.looks).toBe(6)
  late.leave()
})

test('what is written while nobody waits is told at the next call, once', async () => {
  const { versions, join } = table()
  const watcher = join('1')
  versions.set('t 1', '1')
  await pass(250)
  versions.set('t 1', '2')
  await pass(250)
  expect(await watcher.next(1)).toBe('changed')
  expect(await seen(100, watcher)).toEqual(['quiet'])
  watcher.leave()
  expect(await watcher.next(1_000)).toBe('over')
})

test('whoever joins others is told: what he has read may be older than what they were told', async () => {
  const { versions, join } = table()
  versions.set('t 1', '1')
  const first = join('1')
  await pass(250)
  versions.set('t 1', '2')
  await pass(250)
  const second = join('1')
  expect(await second.next(1)).toBe('changed')
  first.leave()
  expect(await seen(1_000, second)).toEqual(['quiet'])
  // Who leaves twice takes nobody's place with him.
  second.leave()
  const third = join('1')
  second.leave()
  await pass(250)
  expect(await third.next(1)).toBe('changed')
  versions.set('t 1', '3')
  expect(await seen(250, third)).toEqual(['changed'])
  third.leave()
})

test('a row that goes is a change', async () => {
  const { versions, join } = table()
  versions.set('t 1', '1')
  const watcher = join('1')
  expect(await seen(250, watcher)).toEqual(['changed'])
  versions.delete('t 1')
  expect(await seen(250, watcher)).toEqual(['changed'])
  watcher.leave()
})

test('where nothing can be seen it looks again, lets all go after ten seconds, and says so', async () => {
  const { versions, join, lines, answer } = table()
  const hangs = (): Promise<never> => new Promise(() => undefined)
  for (const look of [() => Promise.reject(new Error('away')), hangs]) {
    const watcher = join('1')
    answer(() => Promise.reject(new Error('away for a moment')))
    expect(await seen(5_000, watcher)).toEqual(['quiet'])
    answer(() => Promise.resolve([{ tenant_id: 't', id: '1', version: '1' }]))
    expect(await seen(250, watcher)).toEqual(['changed'])
    expect(lines).toEqual([])
    answer(look)
    expect(await seen(10_500, watcher)).toEqual(['over'])
    expect(lines.splice(0)).toMatchObject([{ event: 'job_watch_interrupted', watchers: 1 }])
  }
  expect(versions.size).toBe(0)
})

test('a process that serves no more ends them, also while a look hangs, and who comes then is told at once', async () => {
  const { state, watch, join, answer } = table()
  answer(() => new Promise(() => undefined))
  const watcher = join('1')
  await pass(250)
  state.isServing = false
  expect(await seen(250, watcher)).toEqual(['over'])
  state.isServing = true
  const stopping = join('1').next(60_000)
  watch.stop()
  expect(await stopping).toBe('over')
  expect(await join('1').next(60_000)).toBe('over')
})

test('so many in one name, of a tenant and in all, and none while there is too much to do', () => {
  const { state, join } = table()
  const many = (count: number, tenant: string, who?: string): readonly Watcher[] =>
    Array.from({ length: count }, (_, at) => join(`${at}`, tenant, who ?? `user:${at}`))
  const own = many(20, 't', 'user:u')
  expect(() => join('x')).toThrow(expect.objectContaining({ code: 'rate_limited', headers: { 'retry-after': '5' } }))
  own[0]!.leave()
  own[0]!.leave()
  join('x')
  expect(() => join('x')).toThrow('At most')
  const others = many(80, 't')
  expect(() => join('x', 't', 'user:v')).toThrow('At most')
  for (let tenant = 0; tenant < 9; tenant += 1) others.concat(many(100, `t${tenant}`))
  expect(state.watchers).toBe(1_000)
  expect(() => join('x', 'last')).toThrow('At most')
  others[0]!.leave()
  state.isBusy = true
  expect(() => join('x', 'last')).toThrow(expect.objectContaining({ code: 'overloaded' }))
  state.isBusy = false
  join('x', 'last')
})
