import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runSteps, startLookout, stepsOf, type StartedLookout } from './started-lookout.ts'

const steps = stepsOf(readFileSync(join(import.meta.dirname, '../docs/authentication.md'), 'utf8'), 'quickstart')

let lookout: StartedLookout
beforeAll(async () => {
  lookout = await startLookout()
}, 240_000)
afterAll(() => lookout.stop())

test('every step of the quickstart does what the text beside it says', { timeout: 120_000 }, async () => {
  // A reader looks at the terminal of the server; the mail comes after the answer.
  const link = `sed -n 's/.*\\/invitations\\/.*\\/accept#token=//p' '${join(lookout.folder, 'printed')}'`
  const looking = `until INVITATION=$(${link}) && [ -n "$INVITATION" ]; do sleep 0.1; done`
  const pasted = steps.map((step) => step.replace(/^INVITATION=.*$/m, () => looking))
  expect(pasted.filter((step) => step.includes(looking))).toHaveLength(1)
  const [signUp, signIn, refresh, invite, join_, key, factor, required, signOut, ...more] = await runSteps(
    lookout,
    pasted,
  )
  expect(more).toEqual([])
  expect(signUp).toContain('"roles":["owner"]')
  expect(signIn).toContain('"code":"invalid_credentials"')
  expect(refresh).toContain('"device":"curl')
  expect(invite).toContain('"status":"pending"')
  expect(join_).toContain('"name":"Bakery"')
  expect(join_).toContain('"code":"permission_denied"')
  expect(key).toContain('{"data":[{"name":"Bakery"}]')
  expect(key).toContain('"code":"permission_denied"')
  expect(factor).toMatch(/"recoveryCodes":\["[\w-]{19}"/)
  expect(required).toContain('"requireMfa":true')
  expect(required).toContain('"code":"second_factor_required"')
  expect(signOut).toContain('"status":401')
})
