import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../testing/src/server/databases.ts'
import { classify } from '../errors/connection-trouble.ts'
import type { Driver, Parameter, Raw } from './driver.ts'
import { pgliteDrivers } from './pglite.ts'
import { postgresJsDriver } from './postgres-js.ts'
import { rawParsers } from './raw-values.ts'

/** One suite for what `driver.ts` promises, on every driver. */
interface Subject {
  readonly name: string
  readonly open: () => Promise<{ readonly driver: Driver; readonly close: () => Promise<void> }>
}

async function onServer(prepare: boolean): ReturnType<Subject['open']> {
  const database: TestDatabase = await createDatabase(inject('postgresUrl'))
  const driver = postgresJsDriver(database.url, {
    max: 3,
    applicationName: 'conformance',
    prepare,
    statementTimeoutMs: 20_000,
    connectTimeoutSeconds: 10,
  })
  return {
    driver,
    async close() {
      await driver.close()
      await database.drop()
    },
  }
}

const subjects: readonly Subject[] = [
  { name: 'postgres.js', open: () => onServer(true) },
  { name: 'postgres.js, nothing prepared', open: () => onServer(false) },
  {
    name: 'PGlite',
    async open() {
      const drivers = await pgliteDrivers({ dataDir: 'memory://', rolePrefix: 'plinth_' })
      await (await drivers.owner()).script('create role plinth_app; grant all on schema public to plinth_app')
      return { driver: drivers.app, close: () => drivers.close() }
    },
  },
]

describe.each(subjects)('$name', ({ open }) => {
  let driver: Driver
  let close: () => Promise<void>

  beforeAll(async () => {
    const opened = await open()
    driver = opened.driver
    close = opened.close
    await driver.script(`
      create type mood as enum ('glad', 'sad');
      create table item (id int4 primary key, name text not null, mood mood, constraint short check (length(name) < 20));
      create table part (item_id int4 references item deferrable initially deferred)`)
  })
  afterAll(() => close())

  async function value(text: string, parameters: readonly Parameter[] = [], prepare = true): Promise<Raw | undefined> {
    return (await driver.query(text, parameters, { prepare }))[0]?.['v']
  }

  test('after an error behind a first row, the next answers are whole', async () => {
    const failing = 'select i, 1 / (3 - i) as v from generate_series(1, 4) i'
    for (const prepare of [false, true]) {
      const mixed = await Promise.allSettled(
        Array.from({ length: 16 }, (_, at) =>
          at % 3 === 0
            ? driver.query(failing, [], { prepare })
            : driver.query(`select ${at}::int4 as v`, [], { prepare }),
        ),
      )
      mixed.forEach((one, at) => {
        if (at % 3 === 0) expect(one.status).toBe('rejected')
        else expect(one).toMatchObject({ status: 'fulfilled', value: [{ v: at }] })
      })
    }
  })

  describe('values', () => {
    const long = '{"b": 1, "a": [1, {"c": null}], "n": 12345678901234567890.123}'
    test.each<[sql: string, expected: Raw]>([
      [`timestamptz '2026-11-21 10:00:00.123456+02'`, '2026-11-21 08:00:00.123456+00'],
      [`timestamptz '2026-11-21 10:00:00Z'`, '2026-11-21 10:00:00+00'],
      [`timestamptz 'infinity'`, 'infinity'],
      [`timestamp '2026-11-21 10:00:00.1'`, '2026-11-21 10:00:00.1'],
      [`date '2026-11-21'`, '2026-11-21'],
      [`time '10:00:00.5'`, '10:00:00.5'],
      [`timetz '10:00:00+02'`, '10:00:00+02'],
      [`interval '1 year 2 months 3 days 04:05:06.7'`, 'P1Y2M3DT4H5M6.7S'],
      [`int8 '9223372036854775807'`, '9223372036854775807'],
      [`numeric '12345678901234567890.1234567890'`, '12345678901234567890.1234567890'],
      [`money '12.50'`, '$12.50'],
      [`uuid '0191f3a0-0000-7000-8000-000000000001'`, '0191f3a0-0000-7000-8000-000000000001'],
      [`json '${long}'`, long],
      [`jsonb '${long}'`, '{"a": [1, {"c": null}], "b": 1, "n": 12345678901234567890.123}'],
      [`int2 '-32768'`, -32768],
      [`int4 '2147483647'`, 2147483647],
      [`float4 '1.5'`, 1.5],
      [`float8 '0.1'`, 0.1],
      [`float8 'NaN'`, NaN],
      [`float8 '-Infinity'`, -Infinity],
      [`true`, true],
      [`false`, false],
      [`null::bool`, null],
      [`'text'`, 'text'],
      [`''`, ''],
      [`'ä € 😀 "quoted"'`, 'ä € 😀 "quoted"'],
      [`name 'n'`, 'n'],
      [`'glad'::mood`, 'glad'],
      [`bytea '\\x00ff'`, '\\x00ff'],
      [`oid '4294967295'`, '4294967295'],
      [`inet '10.0.0.0/8'`, '10.0.0.0/8'],
      [`int4range '[1,5)'`, '[1,5)'],
      [`row(1, 'a')`, '(1,a)'],
    ])('%s', async (sql, expected) => {
      expect(await value(`select ${sql} as v`)).toEqual(expected)
    })

    test.each<[sql: string, expected: Raw]>([
      [`array[1, null, 3]::int4[]`, [1, null, 3]],
      [`'{}'::int4[]`, []],
      [
        `'{{1,2},{3,4}}'::int4[]`,
        [
          [1, 2],
          [3, 4],
        ],
      ],
      [`'[0:1]={1,2}'::int4[]`, [1, 2]],
      [`null::int4[]`, null],
      [`array[true, false, null]`, [true, false, null]],
      [`array[1.5, 'NaN']::float8[]`, [1.5, NaN]],
      [`array[9223372036854775807]::int8[]`, ['9223372036854775807']],
      [`array[1.10]::numeric[]`, ['1.10']],
      [`array['x', null, 'NULL', 'null', '', ' a"b\\c,{} ']`, ['x', null, 'NULL', 'null', '', ' a"b\\c,{} ']],
      [`array['a']::varchar[]`, ['a']],
      [`array['2026-11-21 10:00Z']::timestamptz[]`, ['2026-11-21 10:00:00+00']],
      [`array['0191f3a0-0000-7000-8000-000000000001']::uuid[]`, ['0191f3a0-0000-7000-8000-000000000001']],
      [`array['{"a": "b"}']::jsonb[]`, ['{"a": "b"}']],
      [`array['(1,1),(0,0)', '(3,3),(2,2)']::box[]`, ['(1,1),(0,0)', '(3,3),(2,2)']],
      [`array['glad', null]::mood[]`, '{glad,NULL}'],
      [`array['glad', null]::mood[]::text[]`, ['glad', null]],
    ])('%s', async (sql, expected) => {
      expect(await value(`select ${sql} as v`)).toEqual(expected)
    })

    test('a row is an object by column name, the last of equal names wins', async () => {
      expect([...(await driver.query('select 1 as a, null as b, 2 as a'))]).toEqual([{ a: 2, b: null }])
    })

    test('the list of array types is that of the catalog', async () => {
      const rows = await driver.query(
        `select a.oid::text as oid, e.typname as name from pg_type a join pg_type e on e.oid = a.typelem
         where a.typcategory = 'A' and a.typname like '\\_%' and a.oid < 10000 and e.typtype <> 'c'`,
      )
      expect(rows.length).toBeGreaterThan(60)
      const unknown = rows.filter((row) => !rawParsers.has(Number(row['oid']))).map((row) => row['name'])
      expect(unknown).toEqual([])
    })
  })

  describe.each([true, false])('parameters, prepare: %s', (prepare) => {
    test.each<[cast: string, parameter: Parameter, expected: Raw]>([
      ['uuid', '0191f3a0-0000-7000-8000-000000000001', '0191f3a0-0000-7000-8000-000000000001'],
      ['text::jsonb', `{"a": "it's \\"x\\"", "b": [1, null]}`, `{"a": "it's \\"x\\"", "b": [1, null]}`],
      ['jsonb', '{"a": 1}', '{"a": 1}'],
      ['text::timestamptz', '2026-11-21T10:00:00.123456Z', '2026-11-21 10:00:00.123456+00'],
      ['timestamptz', '2026-11-21T10:00:00.123456Z', '2026-11-21 10:00:00.123456+00'],
      ['date', '2026-11-21', '2026-11-21'],
      ['text::uuid[]', '{0191f3a0-0000-7000-8000-000000000001,NULL}', ['0191f3a0-0000-7000-8000-000000000001', null]],
      ['text[]', '{"a,b",c}', ['a,b', 'c']],
      ['int4[]', '{1,2}', [1, 2]],
      ['bool', true, true],
      ['bool', false, false],
      ['text', true, 'true'],
      ['int4', 42, 42],
      ['int4', -1, -1],
      ['float8', 0.1, 0.1],
      ['float8', 1e300, 1e300],
      ['text', 7, '7'],
      ['int8', '9007199254740993', '9007199254740993'],
      ['numeric', '0.10', '0.10'],
      ['text', `it's; "quoted" \\ $1 -- 😀`, `it's; "quoted" \\ $1 -- 😀`],
      ['text', '', ''],
      ['mood', 'sad', 'sad'],
      ['bytea', '\\x00ff', '\\x00ff'],
      ['text', null, null],
      ['uuid', null, null],
      ['bool', null, null],
      ['text::jsonb', null, null],
      ['text::uuid[]', null, null],
    ])('$1::%s of %j', async (cast, parameter, expected) => {
      // Twice: the second time the plan is on the connection, when it is kept.
      for (let time = 0; time < 2; time++) {
        expect(await value(`select $1::${cast} as v`, [parameter], prepare)).toEqual(expected)
      }
    })

    test('several, and the same one twice', async () => {
      const rows = await driver.query('select $2::text || $1::text as v, $1::int4 + 1 as n', ['1', 'a'], { prepare })
      expect([...rows]).toEqual([{ v: 'a1', n: 2 }])
    })

    test('a NUL in a text is refused as input', async () => {
      const error: unknown = await value('select $1::text as v', ['a\0b'], prepare).catch((thrown: unknown) => thrown)
      expect(classify(error)).toMatchObject({ kind: 'input', code: '22021', sent: true })
    })
  })

  describe('statements', () => {
    test('are one each: a second one in the text is refused', async () => {
      await expect(driver.query('select 1; select 2')).rejects.toMatchObject({ code: '42601' })
    })

    test.each(['begin', ' COMMIT', 'Rollback;', 'start transaction', 'savepoint a', 'end', '-- a\n/* b */ rollback'])(
      '%s is not one',
      async (text) => {
        await expect(driver.query(text)).rejects.toMatchObject({ name: 'DriverError', code: 'transaction_control' })
        await expect(driver.transaction((tx) => tx.query(text))).rejects.toMatchObject({ code: 'transaction_control' })
      },
    )

    test('without rows resolve with none', async () => {
      expect(await driver.query('create table if not exists item (id int)')).toHaveLength(0)
      expect(await driver.query('update item set name = name where false')).toHaveLength(0)
      expect(await driver.query('select where false')).toHaveLength(0)
    })

    test('are answered each with its own answer, 300 at once', async () => {
      const numbers = Array.from({ length: 300 }, (_, index) => index)
      const found = await Promise.all(numbers.map((n) => value('select $1::int4 as v', [n], n % 3 > 0)))
      expect(found).toEqual(numbers)
    })

    test('prepared ones survive a change of what they return', async () => {
      await driver.query('create table changing (a int4)')
      const text = 'select * from changing as v'
      await driver.query(text, [], { prepare: true })
      await driver.query('alter table changing add column b int4')
      await driver.query('insert into changing values (1, 2)')
      for (let time = 0; time < 8; time++) {
        expect([...(await driver.query(text, [], { prepare: true }))]).toEqual([{ a: 1, b: 2 }])
      }
    })

    test('that fail leave the others alone', async () => {
      const answers = await Promise.allSettled([
        value('select 1 as v'),
        value('select 1 / $1::int4 as v', [0]),
        value('select 2 as v'),
        value('selec'),
        value('select 3 as v'),
      ])
      expect(
        answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : classify(answer.reason).code)),
      ).toEqual([1, '22012', 2, '42601', 3])
    })
  })

  describe('errors say', () => {
    test.each<[sql: string, expected: Record<string, unknown>]>([
      [
        `insert into item values (1, null)`,
        { kind: 'constraint', code: '23502', table: 'item', column: 'name', schema: 'public' },
      ],
      [`insert into item values (1, repeat('x', 20))`, { kind: 'constraint', code: '23514', constraint: 'short' }],
      [
        `insert into item values (1, 'a'), (1, 'a')`,
        { kind: 'constraint', code: '23505', table: 'item', constraint: 'item_pkey' },
      ],
      [`select 'x'::uuid`, { kind: 'input', code: '22P02' }],
      [`select * from nowhere`, { kind: 'schema', code: '42P01' }],
      [`select nothing from item`, { kind: 'schema', code: '42703' }],
      [`select nothing()`, { kind: 'schema', code: '42883' }],
      [`set transaction_read_only to on; select 1`, { kind: 'other', code: '42601' }],
    ])('%s', async (sql, expected) => {
      const error: unknown = await driver.query(sql).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Error)
      expect(classify(error)).toMatchObject({ ...expected, sent: true })
    })
  })

  describe('a transaction', () => {
    test('commits and gives the result', async () => {
      const result = await driver.transaction(async (tx) => {
        await tx.query('insert into item values ($1::int4, $2::text)', [10, 'kept'], { prepare: true })
        return (await tx.query('select name as v from item where id = 10'))[0]?.['v']
      })
      expect(result).toBe('kept')
      expect(await value('select name as v from item where id = 10')).toBe('kept')
    })

    test('rolls back when the work throws, with that error', async () => {
      const failed = driver.transaction(async (tx) => {
        await tx.query(`insert into item values (11, 'gone')`)
        throw new RangeError('mine')
      })
      await expect(failed).rejects.toThrow(RangeError)
      const thrownAtOnce = driver.transaction(() => {
        throw new RangeError('before any promise')
      })
      await expect(thrownAtOnce).rejects.toThrow(RangeError)
      expect(await value('select count(*)::int4 as v from item where id = 11')).toBe(0)
    })

    test('rejects when a statement failed, though the work swallows it', async () => {
      const failed = driver.transaction(async (tx) => {
        await tx.query(`insert into item values (12, 'gone')`)
        await tx.query(`insert into item values (12, 'twice')`).catch(() => undefined)
        return 'looks fine'
      })
      await expect(failed).rejects.toMatchObject({ code: '23505' })
      expect(await value('select count(*)::int4 as v from item where id = 12')).toBe(0)
    })

    test('rejects when a statement failed that nobody awaited', async () => {
      const failed = driver.transaction(async (tx) => {
        await tx.query(`insert into item values (13, 'gone')`)
        tx.query('select 1 / 0').catch(() => undefined)
        return 'looks fine'
      })
      await expect(failed).rejects.toMatchObject({ code: '22012' })
      expect(await value('select count(*)::int4 as v from item where id = 13')).toBe(0)
    })

    test('includes statements that nobody awaited', async () => {
      await driver.transaction((tx) => {
        void tx.query(`insert into item values (14, 'kept')`)
        void tx.query(`insert into item values (15, 'kept')`)
        return Promise.resolve()
      })
      expect(await value('select count(*)::int4 as v from item where id in (14, 15)')).toBe(2)
    })

    test('runs nothing more after a failed statement', async () => {
      const seen: unknown[] = []
      const failed = driver.transaction(async (tx) => {
        seen.push(await tx.query('selec').catch((error: unknown) => error))
        seen.push(await tx.query('select 1').catch((error: unknown) => error))
      })
      await expect(failed).rejects.toMatchObject({ code: '42601' })
      expect(seen[1]).toBe(seen[0])
    })

    test('that fails at COMMIT rejects', async () => {
      const failed = driver.transaction((tx) => tx.query('insert into part values (99)'))
      await expect(failed).rejects.toMatchObject({ code: '23503' })
      expect(await value('select 1 as v')).toBe(1)
    })

    test('is over afterwards: its handle runs nothing', async () => {
      const { tx } = await driver.transaction((connection) => Promise.resolve({ tx: connection }))
      await expect(tx.query('select 1')).rejects.toMatchObject({ code: 'transaction_over' })
    })

    test('keeps its settings to itself', async () => {
      await driver.transaction((tx) => tx.query(`select set_config('plinth.tenant', 'a', true)`))
      const seen = await Promise.all(
        Array.from({ length: 10 }, () => value(`select coalesce(current_setting('plinth.tenant', true), '') as v`)),
      )
      expect(new Set(seen)).toEqual(new Set(['']))
    })

    test('sees all its statements in order, many at once', async () => {
      const found = await driver.transaction((tx) =>
        Promise.all(
          Array.from({ length: 20 }, (_, n) => tx.query('select $1::int4 as v', [n], { prepare: n % 2 === 0 })),
        ),
      )
      expect(found.map((rows) => rows[0]?.['v'])).toEqual(Array.from({ length: 20 }, (_, n) => n))
    })

    test('excludes the others: 40 at once, one counter', async () => {
      await driver.script('create table counter (n int4 not null); insert into counter values (0)')
      const add = (): Promise<unknown> =>
        driver.transaction(async (tx) => {
          const [row] = await tx.query('select n from counter for update')
          await tx.query('update counter set n = $1::int4', [Number(row?.['n']) + 1], { prepare: true })
        })
      await Promise.all(Array.from({ length: 40 }, add))
      expect(await value('select n as v from counter')).toBe(40)
    })
  })

  describe('a script', () => {
    test('runs several statements, all or none', async () => {
      await expect(
        driver.script(`insert into item values (20, 'a'); insert into item values (20, 'b')`),
      ).rejects.toMatchObject({ code: '23505' })
      expect(await value('select count(*)::int4 as v from item where id = 20')).toBe(0)
      await driver.script(`insert into item values (20, 'a'); -- a comment\n insert into item values (21, 'b');`)
      expect(await value('select count(*)::int4 as v from item where id in (20, 21)')).toBe(2)
    })

    test('leaves no settings and no open transaction behind', async () => {
      await driver.script(`set search_path to nowhere; set timezone to 'Asia/Tokyo'`)
      await expect(
        driver.script(`begin; insert into item values (22, 'a'); select 1 / 0; commit`),
      ).rejects.toMatchObject({ code: '22012' })
      await driver.script(`begin; insert into item values (23, 'a')`)
      const seen = await Promise.all(
        Array.from({ length: 6 }, () => value(`select current_setting('search_path') as v`)),
      )
      expect(seen.every((path) => String(path).includes('public'))).toBe(true)
      expect(await value(`select timestamptz '2026-11-21 10:00Z' as v`)).toBe('2026-11-21 10:00:00+00')
      expect(await value('select count(*)::int4 as v from item where id in (22, 23)')).toBe(0)
    })
  })
})

describe.each(subjects)('$name, closed', ({ open }) => {
  test('finishes what runs, refuses what waits and what comes', async () => {
    const { driver, close } = await open()
    let entered = (): void => undefined
    const inside = new Promise<void>((resolve) => (entered = resolve))
    let goOn = (): void => undefined
    const gate = new Promise<void>((resolve) => (goOn = resolve))
    const running = driver.transaction(async (tx) => {
      entered()
      await gate
      return (await tx.query('select 7 as v'))[0]?.['v']
    })
    await inside
    const closing = close()
    await expect(driver.query('select 1')).rejects.toMatchObject({ code: 'closed' })
    goOn()
    expect(await running).toBe(7)
    await closing
    await expect(driver.transaction((tx) => tx.query('select 1'))).rejects.toMatchObject({ code: 'closed' })
    expect(classify(await driver.query('select 1').catch((error: unknown) => error))).toMatchObject({
      kind: 'connection',
      sent: false,
    })
  })
})
