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
      ready: false,
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

test('on a connection that serves already, the first statement goes behind BEGIN, and fails with it', async () => {
  const { steps: given, done } = steps({ ready: true, begin: () => Promise.reject(new Error('no')) })
  const ran: string[] = []
  await expect(
    runTransaction(given, async (tx) => {
      ran.push('work')
      await tx.query('select 1')
      // By now it is known.
      await tx.query('select 2')
    }),
  ).rejects.toThrow('no')
  expect([...ran, ...done]).toEqual(['work', 'query', 'rollback'])
})

test('the last statement is sent with COMMIT, and its failure is what the transaction fails with', async () => {
  const sent: string[] = []
  const texts = steps({
    query: (text) => {
      sent.push(text)
      return text === 'fails' ? Promise.reject(new Error('not mine any more')) : Promise.resolve([])
    },
    commit: () => {
      sent.push('commit')
      return Promise.resolve(sent.includes('fails') ? 'ROLLBACK' : 'COMMIT')
    },
  })
  const run = (last: string) =>
    runTransaction(texts.steps, async (tx) => {
      tx.last([
        { text: last, parameters: [], options: {}, explain: (error) => new Error('explained', { cause: error }) },
      ])
      await tx.query('first')
      return 'done'
    })
  await expect(run('works')).resolves.toBe('done')
  expect(sent.splice(0)).toEqual(['first', 'works', 'commit'])
  await expect(run('fails')).rejects.toThrow('explained')
  expect(sent).toEqual(['first', 'fails', 'commit'])
  // COMMIT has ended it: there is nothing left to be rolled back.
  expect(texts.done).toEqual(['begin', 'begin'])
})

test('work that fails sends neither its last statement nor COMMIT, and hands nothing over', async () => {
  const { steps: given, done } = steps({ handOver: () => void done.push('handed over') })
  const work = runTransaction(given, (tx) => {
    tx.last([{ text: 'update', parameters: [], options: {} }], () => done.push('told'))
    return Promise.reject(new Error('no'))
  })
  await expect(work).rejects.toThrow('no')
  expect(done).toEqual(['begin', 'rollback'])
})

test('a last statement that cannot be sent leaves nothing behind: neither COMMIT nor an open transaction that is handed over', async () => {
  const { steps: given, done } = steps({
    query: () => {
      throw new TypeError('cannot be put together')
    },
    handOver: () => void done.push('handed over'),
  })
  const last = (parameters: readonly null[]) =>
    runTransaction(given, (tx) => {
      tx.last([{ text: 'update', parameters, options: {} }], () => done.push('told'))
      return Promise.resolve('done')
    })
  await expect(last([])).rejects.toThrow('cannot be put together')
  expect(done.splice(0)).toEqual(['begin', 'rollback'])
  await expect(last(Array.from({ length: 65_534 }, () => null))).rejects.toThrow('65533 parameters at most')
  expect(done).toEqual(['begin', 'rollback'])
})

test('once COMMIT is sent the connection is handed over and whoever waits for that is told, before it is answered', async () => {
  const { promise: answer, resolve } = Promise.withResolvers<string>()
  const { steps: given, done } = steps({
    commit: () => {
      done.push('commit')
      return answer
    },
    handOver: () => void done.push('handed over'),
  })
  const work = runTransaction(given, async (tx) => {
    tx.last([{ text: 'update', parameters: [], options: {} }], () => done.push('told'))
    await tx.query('insert')
  })
  await expect.poll(() => done).toEqual(['begin', 'query', 'query', 'commit', 'handed over', 'told'])
  resolve('ROLLBACK')
  await expect(work).rejects.toMatchObject({ code: 'not_committed' })
  // There is nothing to be rolled back, and the connection is somebody else's.
  expect(done).not.toContain('rollback')
})

test('what is to be waited for is, before COMMIT and before ROLLBACK, and fails nothing', async () => {
  const { steps: given, done } = steps({})
  const later = async (query: () => Promise<unknown>, fails: boolean): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 10))
    await query()
    if (fails) throw new Error('for whoever waits')
  }
  const work = (fails: boolean) =>
    runTransaction(given, (tx) => {
      for (const each of [fails, true]) {
        const pending = later(() => tx.query('late'), each)
        pending.catch(() => undefined)
        tx.until(pending)
      }
      return fails ? Promise.reject(new Error('no')) : Promise.resolve('done')
    })
  await expect(work(false)).resolves.toBe('done')
  expect(done.splice(0)).toEqual(['begin', 'query', 'query', 'commit'])
  await expect(work(true)).rejects.toThrow('no')
  // Over it is all the same: they are refused.
  expect(done).toEqual(['begin', 'rollback'])
})
