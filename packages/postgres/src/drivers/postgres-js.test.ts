import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { createDatabase, ensureRole, loginUrl, type TestDatabase } from '../../../testing/src/server/databases.ts'
import { classify, type Trouble } from '../errors/connection-trouble.ts'
import { withRetry } from '../errors/retry.ts'
import type { Driver } from './driver.ts'
import { postgresJsDriver, type PostgresJsOptions } from './postgres-js.ts'

let database: TestDatabase
const drivers: Driver[] = []

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'))
})
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()))
})
afterAll(() => database.drop())

function open(options: Partial<PostgresJsOptions> = {}, url = database.url): Driver {
  const driver = postgresJsDriver(url, {
    max: 2,
    applicationName: 'plinth-test',
    prepare: true,
    statementTimeoutMs: 10_000,
    connectTimeoutSeconds: 10,
    ...options,
  })
  drivers.push(driver)
  return driver
}

async function trouble(work: Promise<unknown>): Promise<Trouble> {
  return classify(
    await work.then(
      () => new Error('it did not fail'),
      (error: unknown) => error,
    ),
  )
}

/** Something that a test opens from outside. */
function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open: () => open(), opened }
}

describe('the session', () => {
  const names =
    'TimeZone DateStyle IntervalStyle statement_timeout idle_in_transaction_session_timeout application_name'
  const settings = async (driver: Driver): Promise<unknown> =>
    Object.fromEntries(
      (
        await driver.query('select name, current_setting(name) as value from unnest($1::text::text[]) name', [
          `{${names.replaceAll(' ', ',')}}`,
        ])
      ).map(({ name, value }) => [name, value]),
    )

  test('has the settings that shapes and time limits rest on', async () => {
    expect(await settings(open({ statementTimeoutMs: 1234, idleInTransactionTimeoutMs: 5678 }))).toEqual({
      TimeZone: 'UTC',
      DateStyle: 'ISO, YMD',
      IntervalStyle: 'iso_8601',
      statement_timeout: '1234ms',
      idle_in_transaction_session_timeout: '5678ms',
      application_name: 'plinth-test',
    })
  })

  test('asks a pooler only for what it knows', async () => {
    expect(await settings(open({ settings: 'role', prepare: false, statementTimeoutMs: 1234 }))).toMatchObject({
      TimeZone: 'UTC',
      IntervalStyle: 'postgres',
      statement_timeout: '0',
    })
  })

  test('is refused when times would be printed in another zone', async () => {
    const url = new URL(database.url)
    url.searchParams.set('timezone', 'Asia/Tokyo')
    const driver = open({}, url.href)
    await driver.query('select 1').catch(() => undefined)
    expect(await trouble(driver.query('create table never (id int)'))).toMatchObject({
      kind: 'connection',
      code: 'wrong_session',
      sent: false,
    })
    expect(await open().query(`select to_regclass('never')::text as found`)).toMatchObject([{ found: null }])
  })

  test('gives notices to who wants them, and is silent else', async () => {
    const log = vi.spyOn(console, 'log')
    const seen: unknown[] = []
    await open({ onNotice: (notice) => seen.push(notice['message']) }).script(
      `do $$ begin raise notice 'hello'; end $$`,
    )
    await open().script(`do $$ begin raise notice 'hello'; end $$`)
    expect(seen).toEqual(['hello'])
    expect(log).not.toHaveBeenCalled()
  })
})

describe('prepared statements', () => {
  const kept = async (driver: Driver): Promise<unknown> =>
    (await driver.query(`select statement from pg_prepared_statements where statement like '%as kept%'`)).map(
      (row) => row['statement'],
    )

  test('stay on the connection only when asked for', async () => {
    const driver = open({ max: 1 })
    await driver.query('select $1::int4 as kept', [1])
    expect(await kept(driver)).toEqual([])
    await driver.query('select $1::int4 as kept', [1], { prepare: true })
    await driver.query('select $1::int4 as kept', [2], { prepare: true })
    expect(await kept(driver)).toEqual(['select $1::int4 as kept'])
  })

  test('are one for all kinds of values', async () => {
    const driver = open({ max: 1 })
    for (const value of [true, false, null, 't', 1]) {
      await driver.query('select $1::bool as kept', [value], { prepare: true })
    }
    expect(await kept(driver)).toEqual(['select $1::bool as kept'])
  })

  test('are never made where the driver has them off', async () => {
    const driver = open({ max: 1, prepare: false })
    await driver.query('select $1::int4 as kept', [1], { prepare: true })
    await driver.transaction((tx) => tx.query('select $1::int4 as kept', [1], { prepare: true }))
    expect(await kept(driver)).toEqual([])
  })
})

describe('the pool', () => {
  test('refuses at once what would wait in a full line, as overloaded', async () => {
    const driver = open({ max: 1, maxQueue: 3 })
    const { open: goOn, opened } = gate()
    const entered = gate()
    const holding = driver.transaction(async () => {
      entered.open()
      await opened
    })
    await entered.opened
    const waiting = [1, 2, 3].map((n) => driver.query('select $1::int4 as n', [n], { prepare: true }))
    expect(await trouble(driver.query('select 4'))).toMatchObject({
      kind: 'overloaded',
      code: 'overloaded',
      sent: false,
    })
    expect(await trouble(driver.transaction((tx) => tx.query('select 5')))).toMatchObject({ kind: 'overloaded' })
    goOn()
    await holding
    expect((await Promise.all(waiting)).map((rows) => rows[0]?.['n'])).toEqual([1, 2, 3])
    expect(await driver.query('select 6 as n')).toHaveLength(1)
  })

  test('opens no more connections than allowed, and uses them', async () => {
    const driver = open({ max: 3, applicationName: 'plinth-count' })
    await Promise.all(Array.from({ length: 60 }, () => driver.query('select pg_sleep(0.001)')))
    const [row] = await driver.query(
      `select count(*)::int4 as n from pg_stat_activity where application_name = 'plinth-count'`,
    )
    expect(row).toEqual({ n: 3 })
  })

  test('keeps a transaction alone on its connection', async () => {
    const driver = open({ max: 2 })
    const pid = async (connection: Pick<Driver, 'query'>): Promise<unknown> =>
      (await connection.query('select pg_backend_pid() as pid', [], { prepare: true }))[0]?.['pid']
    await driver.transaction(async (tx) => {
      const own = await pid(tx)
      const others = await Promise.all(Array.from({ length: 20 }, () => pid(driver)))
      expect(others).not.toContain(own)
    })
  })

  test('replaces connections of a certain age', async () => {
    const driver = open({ max: 1, maxLifetimeMs: 0 })
    const pid = async (): Promise<unknown> => (await driver.query('select pg_backend_pid() as pid'))[0]?.['pid']
    const seen = [await pid(), await pid(), await pid()]
    expect(new Set(seen).size).toBe(3)
  })
})

describe('time limits', () => {
  test('of a statement end it as a timeout', async () => {
    const driver = open({ statementTimeoutMs: 50 })
    expect(await trouble(driver.query('select pg_sleep(60)'))).toMatchObject({
      kind: 'timeout',
      code: '57014',
      sent: true,
    })
    expect(await driver.query('select 1')).toHaveLength(1)
  })

  test('of an idle transaction end it, and give its connection back though the work never ends', async () => {
    const driver = open({ max: 1, idleInTransactionTimeoutMs: 50 })
    await driver.query('create table if not exists idle (id int4)')
    const abandoned = driver.transaction(async (tx) => {
      await tx.query('insert into idle values (1)')
      await new Promise(() => undefined)
    })
    // The server says why (25P03) to nobody in particular, and hangs up.
    expect(await trouble(abandoned)).toMatchObject({ kind: 'connection', sent: false })
    expect(await driver.query('select id from idle')).toHaveLength(0)
  })
})

describe('retrying', () => {
  test('cures a serialization failure', async () => {
    const driver = open({ max: 2 })
    await driver.script('create table hits (n int4 not null); insert into hits values (0)')
    const both = gate()
    let readers = 0
    let attempts = 0
    const add = (): Promise<unknown> =>
      driver.transaction(async (tx) => {
        attempts++
        await tx.query('set transaction isolation level repeatable read')
        const [row] = await tx.query('select n from hits')
        // Both have read before one writes: the second writer must fail once.
        if (++readers === 2) both.open()
        await both.opened
        await tx.query('update hits set n = $1::int4', [Number(row?.['n']) + 1])
      })
    const options = { attempts: 5, mayRepeat: () => false, random: Math.random, sleep: () => Promise.resolve() }
    await Promise.all([withRetry(add, options), withRetry(add, options)])
    expect(await driver.query('select n from hits')).toMatchObject([{ n: 2 }])
    expect(attempts).toBe(3)
  })
})

describe('a refused login is trouble with the connection', () => {
  test('an unknown role', async () => {
    expect(await trouble(open({}, loginUrl(database.url, 'nobody_knows')).query('select 1'))).toMatchObject({
      kind: 'connection',
      code: '28000',
      sent: false,
    })
  })

  test('an unknown database', async () => {
    const url = new URL(database.url)
    url.pathname = '/nowhere'
    expect(await trouble(open({}, url.href).query('select 1'))).toMatchObject({
      kind: 'connection',
      code: '3D000',
      sent: false,
    })
  })

  test('no connection left for it', async () => {
    await ensureRole(inject('postgresUrl'), 'plinth_test_single', 'login connection limit 1')
    const url = loginUrl(database.url, 'plinth_test_single')
    const [first, second] = [open({}, url), open({}, url)]
    await first.query('select 1')
    expect(await trouble(second.query('select 1'))).toMatchObject({ kind: 'connection', code: '53300', sent: false })
  })
})

test('a failed statement leaves nothing in memory', async () => {
  const driver = open()
  await driver.query('select 1')
  const text = 'select 1 / $1::int4 as leak'
  const set = vi.spyOn(Map.prototype, 'set')
  await driver.query(text, [0], { prepare: true }).catch(() => undefined)
  await driver.query(text, [0]).catch(() => undefined)
  const kept = set.mock.calls.filter(([key]) => Array.isArray(key) && key[0] === text)
  expect(kept).toEqual([])
})
