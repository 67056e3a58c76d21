import { defineJob } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { jobPlatform, note, writeNote, type JobPlatform } from './job-platform.ts'

let { promise: held, resolve: release } = Promise.withResolvers<void>()
const onlyOne = defineJob({ name: 'only.one', input: z.object({}), perTenant: 1, outside: () => held, run: () => {} })

describe.each([
  ['alone', false],
  ['beside another worker', true],
] as const)('%s', (_how, company) => {
  let platform: JobPlatform
  beforeAll(async () => {
    ;({ promise: held, resolve: release } = Promise.withResolvers<void>())
    platform = await jobPlatform([onlyOne, writeNote], { concurrency: 2, window: 3 }, { resources: [note], company })
  })
  afterAll(() => platform.close())

  test('what may not start yet is in nobody’s way, however much of it waits before', async () => {
    for (let at = 0; at < 5; at += 1) await platform.enqueue(onlyOne, {})
    await platform.enqueue(writeNote, { title: 'behind' })
    try {
      await vi.waitFor(async () => expect(await platform.titles()).toEqual(['behind']), { timeout: 5_000 })
    } finally {
      release()
    }
    await platform.settled()
  })
})
