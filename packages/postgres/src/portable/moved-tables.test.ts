import type { PortableRow, PortableTables } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { attach, openPGlite, openServer, type Opened } from '../../tests/fixture.ts'

const tenantId = '0190a000-0000-7000-8000-00000000000a'
const other = '0190a000-0000-7000-8000-00000000000b'

const opened: Opened[] = []
afterAll(async () => {
  for (const one of opened) await one.close()
})

describe.each([
  ['PostgreSQL, shared tables', () => openServer(inject('postgresUrl'))],
  ['PostgreSQL, a schema for each', () => openServer(inject('postgresUrl'), '', 'schema')],
  ['PGlite, shared tables', () => openPGlite()],
  ['PGlite, a schema for each', () => openPGlite('schema')],
] as const)('%s', (_, open) => {
  let run: <T>(work: (tables: PortableTables) => Promise<T>, how?: 'frozen' | 'written') => Promise<T>
  beforeAll(async () => {
    const one = await open()
    opened.push(one)
    for (const [at, id] of [tenantId, other].entries()) {
      await one.owner.query(`insert into plinth.tenants (id, slug, name) values ($1::uuid, $2::text, 'T')`, [
        id,
        `t${at}`,
      ])
      await one.makeTables(id)
      await one.owner.query(
        `insert into ${one.table('sites', id)} (tenant_id, id, name) select $1::uuid, gen_random_uuid(), 'site ' || n from generate_series(1, 3) n`,
        [id],
      )
    }
    const { database } = attach(one.drivers)
    run = (work, how = 'written') => database.system(async (system) => work(await system.portable(tenantId, how)))
  }, 120_000)

  test('finds tables under names that say nothing of where they lie, and reads the rows of one tenant by key', async () => {
    const { names, rows } = await run(async (tables) => {
      const sites = tables.tables.find(({ name }) => name === 'sites')!
      const found: PortableRow[] = []
      for await (const batch of tables.read(sites, ['id', 'name', 'version'])) found.push(...batch)
      return { names: tables.tables.map(({ name }) => name), rows: found }
    }, 'frozen')
    expect(names).toEqual([...names].sort())
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual(expect.arrayContaining(['sites', 'projects', 'plinth.groups', 'plinth.memberships']))
    const ids = rows.map(([id]) => String(id))
    expect(ids).toEqual([...ids].sort())
    expect(new Set(rows.map(([, name]) => name))).toEqual(new Set(['site 1', 'site 2', 'site 3']))
    expect(rows.map(([, , version]) => version)).toEqual(['1', '1', '1'])
  }, 60_000)

  test('writes rows as they were read, and nothing while it is frozen', async () => {
    const row: PortableRow = ['0190b000-0000-7000-8000-000000000001', `it's "x" \\ ≠ \n$1`]
    const insert = (tables: PortableTables): Promise<void> =>
      tables.insert(
        tables.tables.find(({ name }) => name === 'sites')!,
        ['id', 'name'],
        [row],
      )
    await expect(run(insert, 'frozen')).rejects.toThrow(/read-only transaction|not available at the moment/i)
    const back = await run(async (tables) => {
      await insert(tables)
      const sites = tables.tables.find(({ name }) => name === 'sites')!
      await tables.change(sites, ['version'], [[row[0]!, '9']])
      const found: PortableRow[] = []
      for await (const batch of tables.read(sites, ['id', 'name', 'version'])) found.push(...batch)
      return found.find(([id]) => id === row[0])
    })
    expect(back).toEqual([...row, '9'])
    await expect(run(insert)).rejects.toMatchObject({ code: 'already_exists' })
  }, 60_000)

  test('a table or a column that there is not gets into no statement', async () => {
    const wrong = { name: 'sites"; drop table plinth.users; --', columns: [], key: [], references: [] }
    await expect(run((tables) => tables.insert(wrong, [], [[]]))).rejects.toThrow('is no table of tenants')
    await expect(
      run((tables) =>
        tables.insert(
          tables.tables.find(({ name }) => name === 'sites')!,
          ['x) --'],
          [['1']],
        ),
      ),
    ).rejects.toThrow('has no column')
  }, 60_000)
})
