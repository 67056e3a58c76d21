import { defineJob } from '@plinth/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { jobPlatform, type JobPlatform } from './job-platform.ts'

/* What one tenant's long jobs may take of a busy process while another tenant's come in between. */

let running = 0
let most = 0
let ended = 0
let endedAt = 0
let longestPause = 0
const { promise: held, resolve: release } = Promise.withResolvers<void>()
const long = defineJob({
  name: 'long',
  input: z.object({}),
  outside: async () => {
    running += 1
    most = Math.max(most, running)
    await held
    running -= 1
  },
  run: () => undefined,
})
const short = defineJob({
  name: 'short',
  input: z.object({}),
  run() {
    const now = performance.now()
    if (ended > 0) longestPause = Math.max(longestPause, now - endedAt)
    ended += 1
    endedAt = now
  },
})

let platform: JobPlatform
let work: NodeJS.Timeout
beforeAll(async () => {
  platform = await jobPlatform([long, short], { concurrency: 4 })
  // Nine tenths of its time, as a process does that serves many.
  work = setInterval(() => {
    const until = performance.now() + 18
    while (performance.now() < until);
  }, 20)
})
afterAll(async () => {
  clearInterval(work)
  release()
  await platform.close()
})

test('are half of its places, until no other comes any more', async () => {
  const { plinth, b } = platform
  const ask = (): Promise<unknown> => plinth.as(platform.principal('b'), b.slug, (ctx) => ctx.enqueue(short, {}))
  await ask()
  await vi.waitFor(() => expect(ended).toBe(1), { timeout: 20_000 })
  const asked = Promise.all(Array.from({ length: 6 }, () => platform.enqueue(long, {})))
  for (let at = 2; at <= 12; at += 1) {
    await ask()
    await vi.waitFor(() => expect(ended).toBe(at), { timeout: 20_000, interval: 5 })
  }
  await asked
  // On a machine that is held up for longer than others count, all places are its own meanwhile.
  if (longestPause < 600) expect(most).toBe(2)
  await vi.waitFor(() => expect(running).toBe(4), { timeout: 20_000 })
  clearInterval(work)
  release()
  await platform.settled()
})
