import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../testing/src/server/databases.ts'
import { classify } from '../errors/connection-trouble.ts'
import type { Driver, TransactionConnection } from './driver.ts'
import { postgresJsDriver } from './postgres-js.ts'

/* Transactions that are sent behind each other's COMMIT on one connection: each is as much by itself as on a connection of its own. */

let database: TestDatabase
let superuser: Driver
const drivers: Driver[] = []

function open(max: number, url = database.url): Driver {
  const driver = postgresJsDriver(url, {
    max,
    applicationName: 'plinth-test',
    prepare: true,
    statementTimeoutMs: 1_000,
    connectTimeoutSeconds: 1,
    silenceMs: 0,
  })
  drivers.push(driver)
  return driver
}

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'))
  superuser = open(2)
  drivers.length = 0
  // Judged at COMMIT: some are refused there, and some take their time.
  await superuser.script(`
    create table notes (title text not null, number int not null, at xid8 not null default pg_current_xact_id());
    create function judge() returns trigger language plpgsql as $$
    begin
      if new.title = 'refused' then raise exception 'not at COMMIT'; end if;
      if new.title = 'slow' then perform pg_sleep(0.4); end if;
      return null;
    end $$;
    create constraint trigger judged after insert on notes deferrable initially deferred for each row execute function judge()`)
})
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()))
  await superuser.query('truncate notes')
})
afterAll(async () => {
  await superuser.close()
  await database.drop()
})

const insert = (tx: TransactionConnection, title: string, number = 0) =>
  tx.query('insert into notes (title, number) values ($1::text, $2::int)', [title, number], { prepare: true })

const titles = async (): Promise<readonly unknown[]> =>
  (await superuser.query('select title from notes order by title')).map(({ title }) => title)

/** On a driver with one connection: the first one, whose COMMIT decides, and one that is asked for while it is on. */
async function two(driver: Driver, first: string, second: (tx: TransactionConnection) => Promise<void>) {
  const events: string[] = []
  const told = async (name: string, work: Promise<unknown>): Promise<unknown> => {
    const end = await work.catch((error: unknown) => error)
    events.push(`${name} ended`)
    return end
  }
  // Connected, so that nothing waits for that.
  await driver.query('select 1')
  const one = told(
    'first',
    driver.transaction((tx) => insert(tx, first)),
  )
  const other = told(
    'second',
    driver.transaction(async (tx) => {
      events.push('second began')
      await second(tx)
    }),
  )
  const ends = (await Promise.all([one, other])).map((end) => {
    if (!(end instanceof Error)) return 'done'
    // After both: what is noted on the error of one must not be believed of the other.
    const { kind, sent } = classify(end)
    return `${kind}, sent: ${sent}`
  })
  return { ends, events }
}

test('the next one begins before COMMIT is answered, and comes to its end behind it', async () => {
  const { ends, events } = await two(open(1), 'slow', async (tx) => void (await insert(tx, 'second')))
  expect(ends).toEqual(['done', 'done'])
  expect(events).toEqual(['second began', 'first ended', 'second ended'])
  expect(await titles()).toEqual(['second', 'slow'])
})

test('a COMMIT that is refused takes nothing with it of the one behind', async () => {
  const { ends } = await two(open(1), 'refused', async (tx) => void (await insert(tx, 'second')))
  expect(ends).toEqual(['other, sent: true', 'done'])
  expect(await titles()).toEqual(['second'])
})

test('one that is rolled back takes nothing with it of the one before', async () => {
  const { ends } = await two(open(1), 'slow', async (tx) => {
    await insert(tx, 'second')
    throw new Error('no')
  })
  expect(ends[0]).toBe('done')
  expect(await titles()).toEqual(['slow'])
})

test('with the connection both are lost: what was behind COMMIT surely did not happen', async () => {
  const driver = open(1)
  const [me] = await driver.query('select pg_backend_pid() as pid')
  const { ends } = await two(driver, 'slow', async (tx) => {
    setTimeout(() => void superuser.query('select pg_terminate_backend($1::int)', [Number(me?.['pid'])]), 100)
    await insert(tx, 'second')
  })
  expect(ends).toEqual(['connection, sent: unknown', 'connection, sent: false'])
  expect(await titles()).toEqual([])
  // Another connection is opened.
  await driver.transaction((tx) => insert(tx, 'later'))
  expect(await titles()).toEqual(['later'])
})

test.each([
  ['is cut', (sockets: readonly Socket[]) => sockets.forEach((socket) => socket.destroy())],
  ['is silent', (sockets: readonly Socket[]) => sockets.forEach((socket) => socket.unpipe())],
])('so they are where the way to the server %s: each has an error of its own', async (_how, interrupt) => {
  const server = new URL(database.url)
  const sockets: Socket[] = []
  const proxy = createServer((client) => {
    const upstream = connect(Number(server.port), server.hostname)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', () => undefined).pipe(to)
      sockets.push(from)
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  try {
    const url = new URL(database.url)
    url.port = String((proxy.address() as AddressInfo).port)
    url.hostname = '127.0.0.1'
    const { ends } = await two(open(1, url.href), 'slow', async (tx) => {
      setTimeout(() => interrupt(sockets), 100)
      await insert(tx, 'second')
    })
    expect(ends).toEqual(['connection, sent: unknown', 'connection, sent: false'])
  } finally {
    for (const socket of sockets) socket.destroy()
    proxy.close()
    // The server goes on with the COMMIT that nobody waits for.
    await expect.poll(titles).toEqual(['slow'])
  }
})

test('of hundreds on three connections each is whole or not at all, and by itself', async () => {
  const driver = open(3)
  const outcomes = ['kept', 'thrown', 'refused'] as const
  const of = (number: number) => outcomes[(number * 7) % 3]!
  await Promise.all(
    Array.from({ length: 300 }, async (_, number) => {
      const outcome = of(number)
      const work = driver.transaction(
        async (tx) => {
          await insert(tx, outcome, number)
          if (number % 4 === 0) await new Promise((resolve) => setTimeout(resolve, number % 5))
          if (outcome === 'thrown') throw new Error('no')
          tx.last([
            {
              text: 'insert into notes (title, number) values ($1::text, $2::int)',
              parameters: [outcome, number],
              options: { prepare: true },
            },
          ])
        },
        { behind: number % 2 === 0 },
      )
      const why = await work.then(
        () => 'kept',
        (error: unknown) => String(error),
      )
      expect(why).toContain({ kept: 'kept', thrown: 'no', refused: 'not at COMMIT' }[outcome])
    }),
  )
  const kept = await superuser.query(
    'select number, count(*)::int as n, count(distinct at)::int as transactions from notes group by number order by number',
  )
  expect(kept).toEqual(
    Array.from({ length: 300 }, (_, number) => number)
      .filter((number) => of(number) === 'kept')
      .map((number) => ({ number, n: 2, transactions: 1 })),
  )
  expect(await superuser.query('select count(distinct at)::int as n from notes')).toEqual([{ n: 100 }])
})
