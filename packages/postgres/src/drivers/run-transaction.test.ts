import { expect, test } from 'vitest'
import { DriverError } from '../errors/driver-error.ts'
import { runTransaction, type TransactionSteps } from './run-transaction.ts'

// What no server can be made to do on purpose; all else is in drivers.conformance.test.ts and postgres-js.outage.test.ts.
function steps(changed: Partial<TransactionSteps>): { readonly steps: TransactionSteps; readonly done: string[] } {
  const done: string[] = []
  const step =
    <T>(name: string, result: T) =>
    (): Promise<T> => {
      done.push(name)
      return Promise.resolve(result)
    }
  return {
    done,
    steps: {
      query: step('query', []),
      begin: step('begin', undefined),
      commit: step('commit', 'COMMIT'),
      rollback: step('rollback', undefined),
      onLost: () => () => undefined,
      ...changed,
    },
  }
}

test('a COMMIT that the server answers with ROLLBACK, without an error, rejects', async () => {
  const { steps: given, done } = steps({ commit: () => Promise.resolve('ROLLBACK') })
  await expect(runTransaction(given, () => Promise.resolve('looks fine'))).rejects.toMatchObject({
    code: 'not_committed',
  })
  expect(done).toEqual(['begin'])
})

test('a BEGIN that fails runs nothing', async () => {
  const { steps: given, done } = steps({ begin: () => Promise.reject(new Error('no')) })
  const ran: string[] = []
  await expect(
    runTransaction(given, (tx) => {
      ran.push('work')
      return tx.query('select 1')
    }),
  ).rejects.toThrow('no')
  expect([...done, ...ran]).toEqual([])
})

test('a lost connection ends it though the work goes on, and is told to nobody afterwards', async () => {
  let tell: (error: DriverError) => void = () => undefined
  let forgotten = 0
  const { steps: given, done } = steps({
    onLost: (callback) => {
      tell = callback
      return () => forgotten++
    },
  })
  let goOn = (): void => undefined
  const gate = new Promise<void>((resolve) => (goOn = resolve))
  const lost = runTransaction(given, () => gate)
  await Promise.resolve()
  tell(new DriverError('connection_lost', 'gone', { sent: 'unknown' }))
  await expect(lost).rejects.toMatchObject({ code: 'connection_lost', sent: false })
  expect(done).toEqual(['begin', 'rollback'])
  goOn()
  await expect.poll(() => forgotten).toBe(1)
})
