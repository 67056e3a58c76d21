import { defineJob } from '@plinth/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { jobPlatform, type JobPlatform } from './job-platform.ts'

/* What one tenant's long jobs have of a busy process while another tenant's come in between: quick ones alone make room. */

let running = 0
let ended = 0
const { promise: held, resolve: release } = Promise.withResolvers<void>()
const long = defineJob({
  name: 'long',
  input: z.object({}),
  outside: async () => {
    running += 1
    await held
    running -= 1
  },
  run: () => undefined,
})
const short = defineJob({ name: 'short', input: z.object({}), run: () => void (ended += 1) })

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

test('are all of its places but those of the other one, although none of them ends', async () => {
  const { plinth, b } = platform
  const ask = (): Promise<unknown> => plinth.as(platform.principal('b'), b.slug, (ctx) => ctx.enqueue(short, {}))
  let asking = true
  const trickle = (async () => {
    for (let at = 1; asking; at += 1) {
      await ask()
      // While all places are taken by those that are long, it waits.
      await vi.waitFor(() => expect(ended >= at || !asking).toBe(true), { timeout: 20_000, interval: 5 })
    }
  })()
  await vi.waitFor(() => expect(ended).toBeGreaterThan(2), { timeout: 20_000 })
  await Promise.all(Array.from({ length: 6 }, () => platform.enqueue(long, {})))
  await vi.waitFor(() => expect(running).toBe(4), { timeout: 20_000 })
  asking = false
  clearInterval(work)
  release()
  await trickle
  await platform.settled()
})
