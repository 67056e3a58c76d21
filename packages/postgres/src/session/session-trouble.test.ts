import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { always, fieldOf, type ResourceInfo } from '@plinth/core'
import {
  attach,
  everything,
  listening,
  openServer,
  scopeOf,
  sites,
  type Attached,
  type Opened,
} from '../../tests/fixture.ts'
import type { Driver, Drivers, RawRow } from '../drivers/driver.ts'
import { DriverError } from '../errors/driver-error.ts'

const tenantId = '0190a000-0000-7000-8000-00000000000a'
const id = '0190b000-0000-7000-8000-000000000001'
const scope = scopeOf(tenantId)
const sqlError = (code: string, message = 'said by PostgreSQL'): Error =>
  Object.assign(new Error(message), { code, severity: 'ERROR' })

/** Drivers whose answers are given one after the other: a row, or an error. */
function scripted(...answers: readonly (RawRow | Error)[]): {
  readonly drivers: Drivers
  readonly asked: () => number
  readonly begun: () => number
} {
  const left = [...answers]
  let asked = 0
  let begun = 0
  const query: Driver['query'] = () => {
    asked += 1
    const answer = left.shift() ?? { id }
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve([answer])
  }
  const driver: Driver = {
    kind: 'postgres',
    query,
    async transaction(work) {
      begun += 1
      return work({ query, last: () => undefined, until: () => undefined })
    },
    script: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
  const drivers: Drivers = {
    kind: 'postgres',
    app: driver,
    system: () => Promise.resolve(driver),
    owner: () => Promise.resolve(driver),
    close: () => Promise.resolve(),
  }
  return { drivers, asked: () => asked, begun: () => begun }
}

const reading = (attached: Attached): Promise<unknown> =>
  attached.database.session(scope).read({ resource: attached.resource(sites), id, visible: always })
const writing = (attached: Attached): Promise<unknown> => {
  const site = attached.resource(sites)
  return attached.database
    .session(scope)
    .create({ resource: site, id, ownerUserId: null, values: new Map([[fieldOf(site, 'name'), 'x']]) })
}

describe('trouble with the database', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
  const cases: readonly (readonly [string, Error])[] = [
    ['no connection', refused],
    ['a connection that ended', Object.assign(new Error('closed'), { code: 'CONNECTION_CLOSED' })],
    ['our own login refused', sqlError('28P01', 'password authentication failed for user "plinth_app"')],
    ['too many connections', sqlError('53300')],
    ['a full queue', new DriverError('overloaded', 'too many wait')],
    ['a disk that is full', sqlError('53100')],
    ['no memory', sqlError('53200')],
    ['a disk that cannot be read', sqlError('58030')],
    ['a server that takes no writes', sqlError('25006', 'cannot execute INSERT in a read-only transaction')],
    ['a server that starts', sqlError('57P03')],
    ['a crash of another backend', sqlError('57P02')],
    ['a database that was dropped', sqlError('57P04')],
    ['a session that was idle for too long', sqlError('57P05')],
    ['a statement that took too long', sqlError('57014')],
    ['a shutdown', sqlError('57P01')],
  ]

  test.each(cases)('%s is 503 with Retry-After, never 401 or 500, and its words stay inside', async (_, error) => {
    for (const work of [reading, writing]) {
      const failed: unknown = await work(attach(scripted(error, error, error).drivers)).catch(
        (reason: unknown) => reason,
      )
      expect(failed).toMatchObject({ code: 'unavailable', status: 503, headers: { 'retry-after': '2' }, cause: error })
      expect((failed as Error).message).not.toContain('plinth_app')
    }
    await expect(attach(scripted(error, error, error).drivers).database.ping()).rejects.toMatchObject({
      code: 'unavailable',
    })
  })

  test('a read is asked once more after a lost connection, and not a third time', async () => {
    const lost = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
    const once = scripted(lost)
    expect(await reading(attach(once.drivers))).toEqual({ id })
    expect(once.asked()).toBe(2)
    const twice = scripted(lost, lost, { id })
    await expect(reading(attach(twice.drivers))).rejects.toMatchObject({ code: 'unavailable' })
    expect(twice.asked()).toBe(2)
  })

  test('a write is repeated only where it surely never reached the server', async () => {
    const unknown = scripted(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
    await expect(writing(attach(unknown.drivers))).rejects.toMatchObject({ code: 'unavailable' })
    expect(unknown.asked()).toBe(1)
    const never = scripted(refused)
    expect(await writing(attach(never.drivers))).toEqual({ id })
    expect(never.asked()).toBe(2)
  })

  test('a deadlock is run again, three times in all, then it is a conflict', async () => {
    const twice = scripted(sqlError('40P01'), sqlError('40001'))
    expect(await writing(attach(twice.drivers))).toEqual({ id })
    const always = scripted(...Array.from({ length: 5 }, () => sqlError('40P01')))
    await expect(writing(attach(always.drivers))).rejects.toMatchObject({ code: 'conflict', status: 409 })
    expect(always.asked()).toBe(3)
  })

  test('in a transaction the whole of it is repeated, and no statement alone', async () => {
    const attempts: number[] = []
    const { drivers, begun } = scripted({ id }, sqlError('40P01'), { id }, { id })
    const attached = attach(drivers)
    const result = await attached.database.transaction(scope, async (transaction) => {
      attempts.push(attempts.length + 1)
      await transaction.read({ resource: attached.resource(sites), id, visible: always })
      return transaction.read({ resource: attached.resource(sites), id, visible: always })
    })
    expect(result).toEqual({ id })
    expect(attempts).toEqual([1, 2])
    expect(begun()).toBe(2)
  })

  test('a transaction that the work wraps in its own error is repeated all the same; one that loses always is a conflict', async () => {
    const { drivers, begun } = scripted(...Array.from({ length: 9 }, () => sqlError('40001')))
    const attached = attach(drivers)
    await expect(
      attached.database.transaction(scope, async (transaction) => {
        try {
          return await transaction.read({ resource: attached.resource(sites), id, visible: always })
        } catch (error) {
          throw new Error('while archiving', { cause: error })
        }
      }),
    ).rejects.toMatchObject({ code: 'conflict' })
    expect(begun()).toBe(3)
  })

  test('COMMIT answered with ROLLBACK is no success, and wakes no relay', async () => {
    const { drivers } = scripted()
    const query: Driver['query'] = () => Promise.resolve([])
    const app: Driver = {
      ...drivers.app,
      async transaction(work) {
        await work({ query, last: () => undefined, until: () => undefined })
        throw new DriverError('not_committed', 'The server answered COMMIT with ROLLBACK: nothing was written')
      },
    }
    const system = vi.fn<Drivers['system']>(() => Promise.reject(new Error('not asked')))
    const { database } = attach({ ...drivers, app, system }, [listening('site.visited')])
    await expect(
      database.transaction(scope, (transaction) => transaction.emit({ type: 'site.visited', key: 'k', data: null })),
    ).rejects.toMatchObject({ code: 'unavailable', status: 503 })
    expect(system).not.toHaveBeenCalled()
  })

  test('a database that is not migrated, or whose grants are not ours, is not ready', async () => {
    for (const error of [
      sqlError('42P01', 'relation "public.sites" does not exist'),
      sqlError('42501', 'permission denied for table sites'),
      new DriverError('not_migrated', 'no roles'),
    ]) {
      await expect(reading(attach(scripted(error).drivers))).rejects.toMatchObject({ code: 'not_ready', status: 503 })
    }
  })
})

describe('on a server', () => {
  let opened: Opened
  let attached: Attached
  let site: ResourceInfo
  beforeAll(async () => {
    opened = await openServer(inject('postgresUrl'))
    attached = attach(opened.drivers)
    site = attached.resource(sites)
  })
  afterAll(() => opened.close())

  const add = async (name: string): Promise<string> => {
    const made = `0190b000-0000-7000-8000-${String((last += 1)).padStart(12, '0')}`
    await attached.database
      .session(scope)
      .create({ resource: site, id: made, ownerUserId: null, values: new Map([[fieldOf(site, 'name'), name]]) })
    return made
  }
  let last = 100

  test('two transactions that lock each other out both get through', async () => {
    const [one, two] = [await add('one'), await add('two')]
    let met = 0
    const both = async (first: string, second: string): Promise<void> => {
      await attached.database.transaction(scope, async (transaction) => {
        const change = (row: string) =>
          transaction.update({
            resource: site,
            id: row,
            ...everything,
            event: 'updated',
            values: new Map([[fieldOf(site, 'name'), 'x']]),
          })
        await change(first)
        met += 1
        // Both hold their first row before either asks for the second.
        await vi.waitFor(() => expect(met).toBeGreaterThanOrEqual(2), { timeout: 20_000, interval: 2 })
        await change(second)
      })
    }
    await Promise.all([both(one, two), both(two, one)])
    expect(met).toBe(3)
    for (const row of [one, two])
      expect(await attached.database.session(scope).read({ resource: site, id: row, visible: always })).toMatchObject({
        version: 3,
      })
  })

  test('reads go on while connections are cut, and a cut write is either whole or not there', async () => {
    const known = await add('known')
    const session = attached.database.session(scope)
    const cut = async (): Promise<void> => {
      await opened.owner.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'plinth_app' and datname = current_database()`,
      )
    }
    const created: string[] = []
    const failed: unknown[] = []
    const work = Array.from({ length: 40 }, async (_, at) => {
      if (at % 10 === 5) await cut()
      await session.read({ resource: site, id: known, visible: always }).catch((error: unknown) => failed.push(error))
      await add(`cut ${at}`).then(
        (made) => created.push(made),
        (error: unknown) => failed.push(error),
      )
    })
    await Promise.all(work)
    for (const error of failed) expect(error).toMatchObject({ code: 'unavailable' })
    for (const made of created)
      expect(await session.read({ resource: site, id: made, visible: always })).toMatchObject({ version: 1 })
  })
})
