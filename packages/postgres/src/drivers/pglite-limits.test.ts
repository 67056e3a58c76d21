import { afterAll, expect, test } from 'vitest'
import { pgliteDrivers } from './pglite.ts'

const limits = { maxWaitMs: 30, idleInTransactionTimeoutMs: 300 }
const drivers = await pgliteDrivers({ dataDir: 'memory://', rolePrefix: 'plinth_', ...limits })
const owner = await drivers.owner()
await owner.script('create table idle (id int4)')
afterAll(() => drivers.close())

test('a transaction that sends nothing is rolled back, and nobody waits for it longer than he may', async () => {
  const abandoned = owner.transaction(async (tx) => {
    await tx.query('insert into idle values (1)')
    await new Promise(() => undefined)
  })
  const outcome = abandoned.catch((error: unknown) => error)
  await expect(owner.query('select 1')).rejects.toMatchObject({ code: 'overloaded' })
  expect(await outcome).toMatchObject({ code: 'transaction_idle' })
  expect(await owner.query('select id from idle')).toEqual([])
})

test('a statement may take longer than that', async () => {
  const rows = await owner.transaction(async (tx) => {
    await tx.query('select pg_sleep(0.4)')
    return tx.query('select 1 as "one"')
  })
  expect(rows).toHaveLength(1)
})
