import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { envExample } from '@plinth/core'
import { expect, test } from 'vitest'
import { loadLookoutSettings, lookoutSettings } from './settings.ts'

/** What must be set outside of development. */
const needed = {
  SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  PUBLIC_URL: 'https://lookout.agency.example',
  SMTP_URL: 'smtps://mail.agency.example',
  MAIL_FROM: 'Lookout <no-reply@agency.example>',
}

test('.env.example is what the settings say', () => {
  const file = readFileSync(join(import.meta.dirname, '../.env.example'), 'utf8')
  expect(file, 'run `pnpm --filter @plinth/example-saas env-example`').toBe(envExample(lookoutSettings))
})

test('private addresses are allowed in development, and elsewhere only when somebody says so', () => {
  const allowed = (env: Readonly<Record<string, string>>): boolean =>
    loadLookoutSettings({ env: { ...needed, ...env } }).LOOKOUT_ALLOW_PRIVATE
  expect(allowed({ ENVIRONMENT: 'development' })).toBe(true)
  expect(allowed({ ENVIRONMENT: 'development', LOOKOUT_ALLOW_PRIVATE: 'false' })).toBe(false)
  for (const ENVIRONMENT of ['test', 'staging', 'production']) expect(allowed({ ENVIRONMENT })).toBe(false)
  expect(allowed({})).toBe(false)
  expect(allowed({ LOOKOUT_ALLOW_PRIVATE: 'yes' })).toBe(true)
})

test('all faults come at once', () => {
  const env = { ENVIRONMENT: 'production', LOOKOUT_ALLOW_PRIVATE: 'perhaps', LOOKOUT_CHECK_TIMEOUT: '60', PORT: 'http' }
  expect(() => loadLookoutSettings({ env })).toThrow(
    /(?=[^]*LOOKOUT_ALLOW_PRIVATE)(?=[^]*LOOKOUT_CHECK_TIMEOUT)(?=[^]*PORT)(?=[^]*SECRET_KEYS)(?=[^]*PUBLIC_URL)(?=[^]*SMTP_URL)(?=[^]*MAIL_FROM)/,
  )
})

test.each([
  ['1', 1],
  ['25', 25],
  ['10', 10],
])('a check may take %s seconds', (text, seconds) => {
  expect(loadLookoutSettings({ env: { ...needed, LOOKOUT_CHECK_TIMEOUT: text } }).LOOKOUT_CHECK_TIMEOUT).toBe(seconds)
})
test.each(['0', '26', '-1', '1e1', '0x9', '1.5', 'ten'])('but not %s', (text) => {
  expect(() => loadLookoutSettings({ env: { ...needed, LOOKOUT_CHECK_TIMEOUT: text } })).toThrow(
    'LOOKOUT_CHECK_TIMEOUT',
  )
})
