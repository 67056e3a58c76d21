import { randomBytes } from 'node:crypto'
import { text } from 'drizzle-orm/pg-core'
import { defineResource, logEvents, resourceTable, type Limits } from '@plinth/core'
import { capturedLog } from '@plinth/testing'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { openPlatform, tokenOf, type OpenPlatform } from '../contract/open-platform.ts'

/*
 * Ten times as many requests as one process may have in flight, at once. What is let in is answered as ever; what is not is told so
 * before anything is done for it; whoever watches gets an answer. Counted, not timed: how fast it is belongs to a benchmark.
 */
const notes = resourceTable('notes', { name: text().notNull() })
const METRICS_TOKEN = 'a-scraper-and-nobody-else-0123456789'
const env = { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`, METRICS_TOKEN }

/** Requests that have come as far as the data, and wait there until they are told to go on. */
let held: (() => void)[] = []
let holding = false
const noteResource = defineResource({
  table: notes,
  hooks: {
    beforeCreate: async () => {
      if (holding) await new Promise<void>((resolve) => held.push(resolve))
    },
  },
})

const log = capturedLog({ least: 'info' })
let platform: OpenPlatform
const open = async (limits: Partial<Limits>): Promise<void> => {
  platform = await openPlatform(inject('postgresUrl'), [noteResource], [], { env, log, limits })
}
beforeEach(() => {
  held = []
  holding = true
})
afterEach(() => platform.close())

const create = (name: string): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> =>
  platform.call('acme', 'POST', '/api/v1/notes', { name })

describe('ten times too many', () => {
  test('as many as the limit are answered, the others are 503 at once, and nothing of them is done', async () => {
    await open({ inFlight: 8 })
    const before = log.lines.length
    const answers = Array.from({ length: 80 }, (_, number) => create(`note ${number}`))
    // Whoever watches is answered in the middle of it.
    await expect.poll(() => held.length, { timeout: 20_000 }).toBeGreaterThan(0)
    const statusOf = async (path: string, headers?: Record<string, string>): Promise<number> =>
      (await platform.plinth.fetch(new Request(`http://test${path}`, { headers: headers ?? {} }))).status
    expect(await statusOf('/health')).toBe(200)
    expect(await statusOf('/health/ready')).toBe(200)
    expect(await statusOf('/metrics', { authorization: `Bearer ${METRICS_TOKEN}` })).toBe(200)
    expect(await statusOf('/api/v1/notes', { authorization: `Bearer ${tokenOf('acme')}` })).toBe(503)
    holding = false
    const releasing = setInterval(() => held.splice(0).forEach((go) => go()), 5)
    const all = await Promise.all(answers)
    clearInterval(releasing)
    const of = (status: number) => all.filter((answer) => answer.status === status)
    expect([of(201).length, of(503).length]).toEqual([8, 72])
    for (const answer of of(503)) {
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'overloaded' })
      expect(answer.headers.get('retry-after')).toBe('1')
    }
    const [row] = await platform.stored('select count(*)::int as n from notes')
    expect(row).toEqual({ n: 8 })
    // One line for all of them, and no fault: nothing is broken.
    const lines = log.lines.slice(before)
    expect(lines.filter((line) => line.event === logEvents.requestsShed)).toHaveLength(1)
    expect(lines.filter((line) => line.event === logEvents.requestFailed)).toEqual([])
    // And afterwards it is as it was.
    for (let at = 0; at < 20; at += 1) expect((await create('later')).status).toBe(201)
  })

  test('routes of the host are let in by the same count', async () => {
    await open({ inFlight: 4 })
    const guard = platform.plinth.guard('note:read')
    const waiting = Array.from({ length: 4 }, () => create('held'))
    await expect.poll(() => held.length, { timeout: 20_000 }).toBeGreaterThan(0)
    const headers = { authorization: `Bearer ${tokenOf('acme')}` }
    const { refused } = await guard(new Request('http://test/report', { headers }))
    expect([refused?.status, (await refused?.json()) as unknown]).toMatchObject([503, { code: 'overloaded' }])
    holding = false
    const releasing = setInterval(() => held.splice(0).forEach((go) => go()), 5)
    await Promise.all(waiting)
    clearInterval(releasing)
    expect((await guard(new Request('http://test/report', { headers }))).granted).toBeDefined()
  })
})

test('however many there are, 250 are always let in', async () => {
  await open({ inFlight: 1_000, congestion: 0 })
  holding = false
  const all = await Promise.all(Array.from({ length: 250 }, (_, number) => create(`note ${number}`)))
  expect(all.every(({ status }) => status === 201)).toBe(true)
})
