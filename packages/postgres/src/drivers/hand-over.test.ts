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
  const following = async (tx: TransactionConnection): Promise<void> => {
    events.push('second began')
    await second(tx)
  }
  const other = told('second', driver.transaction(following, { behind: true }))
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

test('a statement that cannot be sent rejects by itself, and nothing of what runs', async () => {
  const { ends } = await two(open(1), 'slow', async (tx) => {
    const none = Array.from({ length: 65_534 }, () => null)
    await tx.query('select 1', none)
  })
  expect(ends[0]).toBe('done')
  expect(ends[1]).toContain('other')
  expect(await titles()).toEqual(['slow'])
})

test('a last statement whose plan is void is not sent again behind its COMMIT, into the transaction that follows', async () => {
  await superuser.script('create table tasks (id int primary key, state text); insert into tasks values (1), (2), (3)')
  const driver = open(1)
  const finish = (tx: TransactionConnection, id: number): void =>
    tx.last([
      {
        text: 'update tasks set state = $2::text where id = $1::int returning *',
        parameters: [id, 'done'],
        options: { prepare: true },
      },
    ])
  for (const id of [1, 2])
    await driver.transaction(async (tx) => {
      finish(tx, id)
      await insert(tx, `effect of ${id}`)
    })
  await superuser.script('alter table tasks add column note text')
  const first = driver.transaction(async (tx) => {
    finish(tx, 3)
    await insert(tx, 'effect of 3')
  })
  const second = driver.transaction((tx) => insert(tx, 'of the one behind'), { behind: true })
  await expect(first).rejects.toMatchObject({ code: '0A000' })
  await second
  expect(await titles()).toEqual(['effect of 1', 'effect of 2', 'of the one behind'])
  expect(await superuser.query('select state from tasks where id = 3')).toEqual([{ state: null }])
  // It is planned anew.
  await driver.transaction(async (tx) => {
    finish(tx, 3)
    await insert(tx, 'effect of 3')
  })
  expect(await superuser.query('select state from tasks where id = 3')).toEqual([{ state: 'done' }])
})

test('only who wants it goes behind, so that a COMMIT may wait for a lock of whoever comes next', async () => {
  await superuser.script(`
    create table held (id int primary key); insert into held values (1);
    create function waits() returns trigger language plpgsql as $$
    begin
      if new.title = 'waits' then perform 1 from held where id = 1 for update; end if;
      return null;
    end $$;
    create constraint trigger waiting after insert on notes deferrable initially deferred for each row execute function waits()`)
  const driver = open(3)
  const committing = Promise.withResolvers<void>()
  const holder = driver.transaction(async (tx) => {
    await tx.query('select 1 from held where id = 1 for update')
    const first = driver.transaction(async (inner) => {
      inner.last([{ text: 'select 1', parameters: [], options: {} }], committing.resolve)
      await insert(inner, 'waits')
    })
    const busy = driver.transaction((inner) => inner.query('select pg_sleep(0.2)'))
    await committing.promise
    // All three are taken, and this one must not stand behind the COMMIT that waits for the row.
    await driver.transaction((inner) => insert(inner, 'nested'))
    return { first, busy }
  })
  const { first, busy } = await holder
  await Promise.all([first, busy])
  expect(await titles()).toEqual(['nested', 'waits'])
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
