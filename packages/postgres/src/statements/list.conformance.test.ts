import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import {
  always,
  and,
  compare,
  fieldOf,
  oneOf,
  type FieldInfo,
  type ListOperation,
  type RawRow,
  type ResourceInfo,
  type SortKey,
  type Stored,
} from '@plinth/core'
import { attach, openPGlite, openServer, samples, scopeOf, type Attached, type Opened } from '../../tests/fixture.ts'
import { seeded, type Random } from '../../tests/random-conditions.ts'
import { SET_SEARCH_PATH, type Parameter } from '../drivers/driver.ts'
import { searchPathOf } from '../isolation/search-path.ts'
import { printList } from './list.ts'
import { tableOf, TextCache, type Printing } from './printing.ts'
import { compileRecords } from './records.ts'

const tenantId = '0190a000-0000-7000-8000-00000000000a'
const ROWS = 240
const scope = scopeOf(tenantId)

const subjects = [
  { name: 'PostgreSQL', open: () => openServer(inject('postgresUrl')), sorts: 150 },
  { name: 'PostgreSQL, ICU collation', open: () => openServer(inject('postgresUrl'), 'und-x-icu'), sorts: 60 },
  { name: 'PGlite', open: () => openPGlite(), sorts: 40 },
  {
    name: 'PostgreSQL, a schema for each tenant',
    open: () => openServer(inject('postgresUrl'), '', 'schema'),
    sorts: 60,
  },
  { name: 'PGlite, a schema for each tenant', open: () => openPGlite('schema'), sorts: 20 },
]

/** Few values per column, so that nearly every row ties with others; times that differ in the sixth digit alone. */
const values: Readonly<Record<string, readonly Stored[]>> = {
  label: [null, null, '', 'a', 'A', 'ä', 'b', '😀', '\uffee', 'ab'],
  fixed: [null, 'a', 'ab', 'b'],
  mood: [null, 'sad', 'glad', 'angry'],
  whole: [null, '-1', '0', '7'],
  huge: [null, '9223372036854775806', '9223372036854775807'],
  thin: [null, '0.1', '0.2', '16777216'],
  wide: [null, '0.1', '0.30000000000000004', '0.3'],
  amount: [null, '1.000', '1.001', '-5'],
  flag: [null, 'true', 'false'],
  at: [null, '2026-11-20T20:54:57.107123Z', '2026-11-20T20:54:57.107124Z', '2026-11-20T20:54:57.107Z'],
  plain: [null, '2026-11-20T20:54:57.107123Z', '2026-11-20T20:54:57.107124Z'],
  day: [null, '2026-02-28', '1999-01-01'],
  hour: [null, '12:30:00', '12:30:00.000001'],
  rank: ['0', '1', '2'],
  title: ['', 'x', 'X', 'ü'],
}

describe.each(subjects)('lists on $name', ({ open, sorts }) => {
  let opened: Opened
  let attached: Attached
  let sample: ResourceInfo

  beforeAll(async () => {
    opened = await open()
    await opened.makeTables(tenantId)
    attached = attach(opened.drivers)
    sample = attached.resource(samples)
    const random = seeded(3)
    const session = attached.database.session(scope)
    for (let at = 0; at < ROWS; at += 1) {
      const row = new Map<FieldInfo, Stored>(
        Object.entries(values).map(([key, from]) => [fieldOf(sample, key), random.pick(from)]),
      )
      await session.create({
        resource: sample,
        id: `0190d000-0000-7000-8000-${String(random.below(1e9)).padStart(12, '0')}`,
        ownerUserId: null,
        values: row,
      })
    }
    // Creation times of the clock have three digits; these have six.
    const table = opened.table('samples', tenantId)
    await opened.owner
      .query(`update ${table} set created_at = '2026-11-20 20:54:57.107Z'::timestamptz + (row_number * interval '1 microsecond') / 3
      from (select id as key, row_number() over () from ${table}) numbered where id = key`)
  })
  afterAll(() => opened.close())

  const list = (operation: Partial<ListOperation>): Promise<readonly RawRow[]> =>
    attached.database.session(scope).list({
      resource: sample,
      where: always,
      sort: sortOf('-createdAt', '-id'),
      after: undefined,
      limit: ROWS + 1,
      offset: 0,
      fields: sample.fields,
      ...operation,
    })
  const sortOf = (...keys: readonly string[]): SortKey[] =>
    keys.map((key) => ({ field: fieldOf(sample, key.replace('-', '')), descending: key.startsWith('-') }))

  /** As core makes a cursor. */
  const after = (sort: readonly SortKey[], row: RawRow): Stored[] =>
    sort.map(({ field }) => {
      const value = row[field.key]
      return value === null || value === undefined ? null : String(value)
    })

  function randomSort(random: Random): SortKey[] {
    const keys = [...Object.keys(values), 'createdAt']
      .map((key) => ({ key, at: random.below(1e6) }))
      .sort((left, right) => left.at - right.at)
    const chosen = keys.slice(0, random.below(4)).map(({ key }) => key)
    const oneWay = random.below(3) === 0 ? random.below(2) === 0 : undefined
    return [...chosen, 'id'].map((key) => ({
      field: fieldOf(sample, key),
      descending: oneWay ?? random.below(2) === 0,
    }))
  }

  test(`over ${sorts} random sorts with NULLs and ties, paging by cursor meets every row exactly once and in the order of the whole list`, async () => {
    const random = seeded(5)
    for (let at = 0; at < sorts; at += 1) {
      const sort = randomSort(random)
      const label = `#${at} ${sort.map((key) => `${key.descending ? '-' : ''}${key.field.key}`).join()}`
      const whole = (await list({ sort, fields: [fieldOf(sample, 'id')] })).map((row) => row['id'])
      const met: unknown[] = []
      let last: readonly Stored[] | undefined
      for (;;) {
        const page: readonly RawRow[] = await list({
          sort,
          after: last,
          limit: 1 + random.below(90),
          fields: [fieldOf(sample, 'label')],
        })
        met.push(...page.map((row) => row['id']))
        const end = page.at(-1)
        if (!end) break
        last = after(sort, end)
      }
      expect(met, `${label}`).toEqual(whole)
      expect(new Set(met).size, `${label}`).toBe(ROWS)
    }
  })

  test('NULLs come last in both directions', async () => {
    for (const key of ['label', '-label', 'at', '-at', 'whole', '-whole', 'mood', '-mood']) {
      const found = (await list({ sort: sortOf(key, 'id') })).map((row) => row[key.replace('-', '')] === null)
      expect(found.includes(true)).toBe(true)
      expect(found.lastIndexOf(false), `${key}`).toBeLessThan(found.indexOf(true))
    }
  })

  test('sort keys, id and version are among the columns, whatever was asked for', async () => {
    const [row] = await list({ sort: sortOf('-whole', 'id'), fields: [fieldOf(sample, 'title')], limit: 1 })
    expect(Object.keys(row ?? {}).sort()).toEqual(['id', 'title', 'version', 'whole'])
  })

  test('offset, limit and count, under a condition', async () => {
    const where = and(oneOf('rank', [0, 1]), compare('title', 'ne', 'x'))
    const all = (await list({ where })).map((row) => row['id'])
    expect(await attached.database.session(scope).count({ resource: sample, where })).toBe(all.length)
    expect((await list({ where, offset: 5, limit: 7 })).map((row) => row['id'])).toEqual(all.slice(5, 12))
    expect(await list({ where, offset: 100_000, limit: 7 })).toEqual([])
    for (const limit of [-1, 1.5, Number.NaN, '1; drop table samples' as unknown as number])
      expect(() => list({ limit })).toThrow('number of rows')
  })

  test('a cursor of another sort is an error of ours, not a guess', () => {
    expect(() => list({ sort: sortOf('whole', 'id'), after: ['1'] })).toThrow('1 values for 2 sort keys')
  })
})

describe.each(['shared', 'schema'] as const)('the plan, isolation %s', (isolation) => {
  const planned = '0190a000-0000-7000-8000-000000000001'
  const searchPath = isolation === 'schema' ? searchPathOf(planned) : undefined
  let opened: Opened
  let sample: ResourceInfo
  let printing: Printing
  beforeAll(async () => {
    opened = await openServer(inject('postgresUrl'), '', isolation)
    await opened.makeTables(planned)
    const { registry, resource } = attach(opened.drivers)
    sample = resource(samples)
    printing = {
      records: compileRecords(registry, false, []),
      events: registry.events,
      withFacts: false,
      texts: new TextCache(),
      tableOf: tableOf(isolation),
      entriesGone: () => '',
    }
    // Other tenants' rows lie beside his where tables are shared.
    const tenants = isolation === 'shared' ? 5 : 1
    const table = opened.table('samples', planned)
    await opened.owner.query(`insert into ${table} (tenant_id, id, created_at, label)
      select ('0190a000-0000-7000-8000-00000000000' || (n % ${tenants} + 1))::uuid, gen_random_uuid(), now() - n * interval '1 second', 'x' || n from generate_series(1, 20000) n`)
    await opened.owner.query(`analyze ${table}`)
  })
  afterAll(() => opened.close())

  const explain = async (operation: Partial<ListOperation>): Promise<string> => {
    const sort: SortKey[] = [
      { field: fieldOf(sample, 'createdAt'), descending: true },
      { field: fieldOf(sample, 'id'), descending: true },
    ]
    const printed = printList(
      {
        resource: sample,
        where: always,
        sort,
        after: undefined,
        limit: 21,
        offset: 0,
        fields: sample.fields,
        ...operation,
      },
      scopeOf(planned),
      printing,
    )
    const rows = await opened.drivers.app.query(
      `explain (analyze, costs off, timing off, summary off, buffers off) ${printed.text}`,
      printed.parameters as Parameter[],
      searchPath === undefined ? {} : { searchPath },
    )
    return rows.map((row) => String(row['QUERY PLAN'])).join('\n')
  }

  test('of a first page and of a page after a cursor reads the index in its order and stops', async () => {
    const cursor = ['2026-11-20 20:54:57.107123+00', '0190d000-0000-7000-8000-000000000000']
    for (const [after, start] of [
      [undefined, /Index Cond/],
      [cursor, /Index Cond: .*ROW\(created_at, id\) < ROW\(/],
    ] as const) {
      const plan = await explain({ after })
      expect(plan).toContain('samples_recent_idx')
      expect(plan).not.toContain('Sort')
      // The policy is tested once, not for every row.
      expect(plan).toMatch(/One-Time Filter: .*current_setting/)
      expect(plan).toMatch(start)
      expect(plan).toMatch(/rows=(21|0)/)
    }
  })

  test('of the generic plan, which a prepared statement comes to, is the same', async () => {
    const plan = await opened.drivers.app.transaction(async (connection) => {
      if (searchPath !== undefined) await connection.query(SET_SEARCH_PATH, [searchPath])
      await connection.query(`select set_config('plan_cache_mode', 'force_generic_plan', true)`)
      const printed = printList(
        {
          resource: sample,
          where: always,
          after: ['2026-11-20 20:54:57.107123+00', '0190d000-0000-7000-8000-000000000000'],
          limit: 21,
          offset: 0,
          fields: sample.fields,
          sort: [
            { field: fieldOf(sample, 'createdAt'), descending: true },
            { field: fieldOf(sample, 'id'), descending: true },
          ],
        },
        scopeOf(planned),
        printing,
      )
      const rows = await connection.query(`explain (costs off) ${printed.text}`, printed.parameters as Parameter[])
      return rows.map((row) => String(row['QUERY PLAN'])).join('\n')
    })
    expect(plan).toContain('samples_recent_idx')
    expect(plan).not.toContain('Sort')
  })
})
