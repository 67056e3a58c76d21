import { expect, test } from 'vitest'
import { greeting, type GreetingParts } from './greeting.ts'

const parts: GreetingParts = {
  settings: { ENVIRONMENT: 'development', LOOKOUT_ALLOW_PRIVATE: true },
  url: 'http://127.0.0.1:8000',
  database: 'embedded, in /data/database',
  mail: 'printed here, with their links',
}

test('in development the commands sign in as admin and point at our own demo page', () => {
  const text = greeting(parts)
  expect(text).toContain('admin, password admin123')
  expect(text).toContain(`-d '{"name":"Demo client","url":"http://127.0.0.1:8000/demo"}'`)
  const outside = greeting({ ...parts, settings: { ENVIRONMENT: 'development', LOOKOUT_ALLOW_PRIVATE: false } })
  expect(outside).toContain(`"url":"https://example.com"`)
})

test.each(['test', 'staging', 'production'] as const)('in %s there is no account that anybody could guess', (name) => {
  const text = greeting({ ...parts, settings: { ENVIRONMENT: name, LOOKOUT_ALLOW_PRIVATE: false } })
  expect(text).not.toContain('admin123')
  expect(text).toContain('plinth admin:create')
  expect(text).toContain('/api/v1/auth/register')
})
