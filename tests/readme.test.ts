import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runSteps, startLookout, stepsOf, type StartedLookout } from './started-lookout.ts'

const steps = stepsOf(readFileSync(join(import.meta.dirname, '../README.md'), 'utf8'), 'tour')

let lookout: StartedLookout
beforeAll(async () => {
  lookout = await startLookout()
}, 240_000)
afterAll(() => lookout.stop())

test('every step of the tour does what the text beside it says', { timeout: 120_000 }, async () => {
  const answers = await runSteps(lookout, steps)
  expect(answers).toHaveLength(8)
  expect(answers[1]).toMatch(/HTTP\/1.1 201[\s\S]*etag: "1-[0-9a-f]{6}"/i)
  expect(answers[1]).toContain('"name":"Bakery"')
  expect(answers[2]).toContain('"lastStatus":"up"')
  expect(answers[3]).toMatch(/\{"data":\[\{"id":"[^"]+","name":"Home","lastStatus":"up"\}\]/)
  expect(answers[3]).toContain('"code":"invalid_query"')
  expect(answers[4]).toContain('"code":"version_mismatch"')
  expect(answers[5]).toContain('{"data":[],')
  expect(answers[5]).toContain('"code":"permission_denied"')
  expect(answers[6]).toContain('"code":"not_found"')
  expect(answers[6]).toContain('{"data":[],')
  expect(answers[7]).toMatch(/"action":"site\.created"[\s\S]*\{"valid":true,"entries":\d+\}\{"data":\[/)
})

test('the commands that the start prints work as they stand', { timeout: 60_000 }, async () => {
  const commands = /TOKEN=[\s\S]*?\n\n/.exec(lookout.printed())?.[0]
  expect(commands, lookout.printed()).toBeDefined()
  const [said = ''] = await runSteps(lookout, [commands!])
  expect(JSON.parse(said)).toMatchObject({ version: 1 })
})
