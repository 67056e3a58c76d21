import { expect, test } from 'vitest'
import { DriverError } from '../errors/driver-error.ts'
import { unreachable } from './fault.ts'

test('a database that another process has open is no server that is to be started', () => {
  const words = 'The embedded database serves one process, and process 7 has it open'
  expect(unreachable(new DriverError('data_locked', words))).toMatchObject({
    code: 'database_unreachable',
    path: 'database',
    problem: words,
    fix: 'stop the other process, then ask again',
  })
})
