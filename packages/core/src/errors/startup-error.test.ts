import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { StartupError } from './startup-error.ts'

test('a fault is printed once where nobody catches it', () => {
  const error = new StartupError([{ path: 'DATABASE_URL', problem: 'is not set', fix: 'set it' }])
  expect(inspect(error).match(/is not set/g)).toHaveLength(1)
  expect(error.faults).toEqual([{ path: 'DATABASE_URL', problem: 'is not set', fix: 'set it' }])
})
