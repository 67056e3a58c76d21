import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { StartupError } from '../errors/startup-error.ts'
import { defineSettings, isSecret, unsetValue } from './define-settings.ts'
import { flag } from './value-schemas.ts'

const faultsOf = (define: () => unknown): string[] => {
  try {
    define()
  } catch (error) {
    if (error instanceof StartupError) return error.faults.map(({ path, problem }) => `${path} ${problem}`)
    throw error
  }
  return []
}

describe('defineSettings', () => {
  test('is inert, frozen and composes by spread', () => {
    const first = defineSettings({ A: { schema: z.string(), description: 'a' } })
    const both = defineSettings({ ...first, B: { schema: flag(), default: false, description: 'b' } })
    expect(Object.keys(both)).toEqual(['A', 'B'])
    expect(Object.isFrozen(both)).toBe(true)
  })

  test('finds every fault of the declaration at once', () => {
    const schema = z.string()
    const faults = faultsOf(() =>
      defineSettings({
        lower: { schema, description: 'x' },
        A: { schema, description: ' ' },
        B: { schema, description: 'b', aliases: ['A', 'C D'] },
        C: { schema, description: 'c', aliases: ['E'] },
        D: { schema, description: 'd', aliases: ['E'] },
        F: { schema: z.coerce.boolean(), description: 'f' },
        G: { schema, description: 'g', default: 'x', requiredIn: ['production'] },
        H: { schema, description: 'h', defaultIn: { test: 'x' }, requiredIn: ['test'] },
      }),
    )
    expect(faults).toEqual([
      "lower 'lower' is no name for a variable",
      'A has no description',
      "B 'C D' is no name for a variable",
      'B its alias A belongs to A',
      'D its alias E belongs to C',
      "F its schema reads 'false' as true",
      'G has a default where it is required',
      'H has a default where it is required',
    ])
  })

  test('allows a default in one environment and a demand in another', () => {
    const define = () =>
      defineSettings({
        A: { schema: z.string(), description: 'a', defaultIn: { development: 'x' }, requiredIn: ['production'] },
      })
    expect(faultsOf(define)).toEqual([])
  })
})

test('what a name says about secrecy, unless it is said', () => {
  const plain = { schema: z.string(), description: 'x' }
  for (const name of [
    'SECRET_KEYS',
    'SERVICE_TOKENS',
    'POSTGRES_PASSWORD',
    'METRICS_TOKEN',
    'STRIPE_API_KEY',
    'JWT_KEY',
    'SENTRY_DSN',
  ]) {
    expect([name, isSecret(name, plain)]).toEqual([name, true])
  }
  for (const name of ['PORT', 'MONKEY', 'TOKENIZER', 'PASSWORDLESS', 'KEYBOARD', 'ALLOW_PRIVATE', 'PUBLIC_URL']) {
    expect([name, isSecret(name, plain)]).toEqual([name, false])
  }
  expect(isSecret('JWT_KEYS_DIR', { ...plain, secret: false })).toBe(false)
  expect(isSecret('DATABASE_URL', { ...plain, secret: true })).toBe(true)
})

test('an unset variable is optional only where its schema says so', () => {
  const unset = (schema: z.ZodType) => unsetValue({ schema, description: 'x' }, 'test')
  expect(unset(z.string().optional())).toEqual({ value: undefined })
  expect(unset(z.string().default('x'))).toEqual({ value: 'x' })
  expect(unset(z.union([z.string(), z.undefined()]))).toEqual({ value: undefined })
  // These two "succeed" on undefined, with 'undefined' and false.
  expect(unset(z.coerce.string())).toBeUndefined()
  expect(unset(z.coerce.boolean())).toBeUndefined()
  expect(unset(z.string())).toBeUndefined()
  expect(
    unset(
      z.string().transform((): string => {
        throw new Error('x')
      }),
    ),
  ).toBeUndefined()
})
