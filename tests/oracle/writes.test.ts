import fc from 'fast-check'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openPlatform, type Answered, type OpenPlatform } from '../contract/open-platform.ts'
import { gadget } from './gadgets.ts'
import { step } from './steps.ts'
import { counts, Story } from './story.ts'

const runs = Number(process.env['PLINTH_ORACLE_RUNS'] ?? 150)

let platform: OpenPlatform
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), [gadget])
})
afterAll(() => platform.close())

const path = '/api/v1/gadgets'
const call = (method: string, rest: string, body?: unknown, headers?: Record<string, string>): Promise<Answered> =>
  platform.call('acme', method, `${path}${rest}`, body, headers)

test(`random writes go as the model says, over HTTP: ${runs} histories`, { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 30 }), async (steps) => {
      await call('DELETE', '?confirm=gadgets')
      const story = new Story(call)
      for (const name of ['ant', 'bee', 'cat']) await story.take({ do: 'create', body: { name, code: 'k1' } })
      for (const each of steps) {
        await story.take(each)
        if (each.do === 'bulk') await story.compareAll()
      }
      await story.compareAll()
      await story.restoreAll()
      await story.compareAll()
    }),
    { numRuns: runs },
  )
  console.info(
    `writes over HTTP: ${[...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([what, count]) => `${what} ${count}`)
      .join(', ')}`,
  )
  // Each thing that can happen did, or nothing was tested.
  for (const what of ['create', 'put', 'patch', 'delete', 'restore', 'bulk'])
    for (const outcome of ['done', 'refused'])
      expect(counts.get(`${what} ${outcome}`), `${what} ${outcome}`).toBeGreaterThan(0)
})
