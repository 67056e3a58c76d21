import { fork, type ChildProcess } from 'node:child_process'
import postgres from 'postgres'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { createDatabase, ensureRole, loginUrl, templateDatabase, type TestDatabase } from './databases.ts'

const server = inject('postgresUrl')
const databases: TestDatabase[] = []

afterEach(async () => {
  await Promise.all(databases.splice(0).map((database) => database.drop()))
})

const kept = async (making: Promise<TestDatabase>): Promise<TestDatabase> => {
  const database = await making
  databases.push(database)
  return database
}

async function run(url: string, text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined })
  try {
    return [...(await sql.unsafe<Record<string, unknown>[]>(text))]
  } finally {
    await sql.end({ timeout: 5 })
  }
}

const exists = async (name: string): Promise<boolean> =>
  (await run(server, `select 1 from pg_database where datname = '${name}'`)).length > 0

/** Another key for each run: a server of TEST_DATABASE_URL remembers the templates of the last one. */
const key = (name: string): string => `${name} ${process.pid} ${Date.now()}`

describe('createDatabase', () => {
  test('gives each an own, empty one', async () => {
    const [one, two] = await Promise.all([kept(createDatabase(server)), kept(createDatabase(server))])
    await run(one.url, 'create table only_here (id int4)')
    expect(await run(two.url, `select to_regclass('only_here')::text as found`)).toEqual([{ found: null }])
    expect(await run(one.url, 'select current_database() as name')).toEqual([{ name: one.name }])
  })

  test('copies a template', async () => {
    const template = await kept(createDatabase(server))
    await run(template.url, 'create table copied as select 7 as id')
    const copies = await Promise.all([1, 2, 3].map(() => kept(createDatabase(server, { template: template.name }))))
    for (const copy of copies) expect(await run(copy.url, 'select id from copied')).toEqual([{ id: 7 }])
  })

  test('drops it with connections open, and twice', async () => {
    const database = await createDatabase(server)
    const sql = postgres(database.url, { max: 1, fetch_types: false, onnotice: () => undefined })
    await sql.unsafe('select 1')
    await database.drop()
    await database.drop()
    expect(await exists(database.name)).toBe(false)
    await sql.end({ timeout: 0 })
  })
})

describe('templateDatabase', () => {
  test('prepares once, however many ask at once, and gives each a copy', async () => {
    const once = key('once')
    let prepared = 0
    const ask = (): Promise<TestDatabase> =>
      kept(
        templateDatabase(server, once, async (url) => {
          prepared++
          await run(url, 'create table prepared as select 1 as id')
        }),
      )
    const copies = await Promise.all(Array.from({ length: 6 }, ask))
    copies.push(await ask())
    expect(prepared).toBe(1)
    expect(new Set(copies.map(({ name }) => name)).size).toBe(7)
    await run(copies[0]?.url ?? '', 'insert into prepared values (2)')
    for (const copy of copies.slice(1)) expect(await run(copy.url, 'select id from prepared')).toEqual([{ id: 1 }])
  })

  test('prepares once over processes', async () => {
    const shared = key('processes')
    const script = `
      import postgres from 'postgres'
      import { templateDatabase } from ${JSON.stringify(new URL('databases.ts', import.meta.url).href)}
      let prepared = 0
      const database = await templateDatabase(process.env.SERVER, process.env.KEY, async (url) => {
        prepared++
        const sql = postgres(url, { max: 1 })
        await sql.unsafe('create table prepared as select 1 as id')
        await sql.end()
      })
      process.send({ prepared })
      await database.drop()`
    const children = Array.from({ length: 3 }, () =>
      fork('-', {
        execArgv: ['--input-type=module', '-e', script],
        cwd: import.meta.dirname,
        env: { ...process.env, SERVER: server, KEY: shared },
      }),
    )
    const answer = (child: ChildProcess): Promise<unknown> =>
      new Promise((resolve, reject) => child.once('message', resolve).once('error', reject))
    const answers = (await Promise.all(children.map(answer))) as { readonly prepared: number }[]
    expect(answers.reduce((sum, { prepared }) => sum + prepared, 0)).toBe(1)
  })

  test('another key has another template', async () => {
    for (const number of [1, 2]) {
      const database = await kept(
        templateDatabase(server, key(`number ${number}`), async (url) => {
          await run(url, `create table numbered as select ${number} as id`)
        }),
      )
      expect(await run(database.url, 'select id from numbered')).toEqual([{ id: number }])
    }
  })

  test('half a template is never used: what failed is prepared anew', async () => {
    const failing = key('failing')
    const broken = templateDatabase(server, failing, async (url) => {
      await run(url, 'create table half (id int4)')
      throw new Error('mine')
    })
    await expect(broken).rejects.toThrow('mine')
    const database = await kept(
      templateDatabase(server, failing, async (url) => {
        await run(url, 'create table whole (id int4)')
      }),
    )
    expect(
      await run(database.url, `select to_regclass('half')::text as half, to_regclass('whole')::text as whole`),
    ).toEqual([{ half: null, whole: 'whole' }])
  })

  test('says so when the callback leaves a connection open', async () => {
    let left: postgres.Sql | undefined
    const leaving = templateDatabase(server, key('leaving'), async (url) => {
      left = postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined })
      await left.unsafe('select 1')
    })
    await expect(leaving).rejects.toThrow('left connections open')
    await left?.end({ timeout: 0 })
  })
})

describe('roles', () => {
  test('are made once, however many ask at once', async () => {
    const role = `plinth_test_role_${process.pid}`
    await Promise.all(Array.from({ length: 8 }, () => ensureRole(server, role, 'login')))
    await ensureRole(server, role, 'login')
    const database = await kept(createDatabase(server))
    expect(await run(loginUrl(database.url, role), 'select current_user::text as who')).toEqual([{ who: role }])
    await run(server, `drop role "${role}"`)
  })

  test('with wrong attributes are an error', async () => {
    await expect(ensureRole(server, `plinth_test_wrong_${process.pid}`, 'nonsense')).rejects.toMatchObject({
      code: '42601',
    })
  })

  test('a login is written into the URL as it must be', () => {
    expect(loginUrl('postgres://postgres@h:1/db?sslmode=disable', 'a b', 'p@:/')).toBe(
      'postgres://a%20b:p%40%3A%2F@h:1/db?sslmode=disable',
    )
  })
})
