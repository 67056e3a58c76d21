import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { classify } from '../errors/connection-trouble.ts'
import type { Connection, Driver, Drivers } from './driver.ts'
import { lockName } from './data-lock.ts'
import { dumpDataDir, pgliteDrivers, type PgliteOptions } from './pglite.ts'

const roles = `create role plinth_app; create role plinth_system;
  grant usage on schema public to plinth_app, plinth_system`
const tables = `create table task (tenant_id uuid not null, name text not null);
  alter table task enable row level security, force row level security;
  create policy tenant on task using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
  create policy everything on task to plinth_system using (true);
  grant select, insert on task to plinth_app, plinth_system;
  insert into task values ('00000000-0000-0000-0000-00000000000a', 'of a'), ('00000000-0000-0000-0000-00000000000b', 'of b')`

let image: Blob
const opened: Drivers[] = []
const folders: string[] = []

beforeAll(async () => {
  const drivers = await pgliteDrivers({ dataDir: 'memory://', rolePrefix: 'plinth_' })
  await (await drivers.owner()).script(`${roles}; ${tables}`)
  image = await dumpDataDir(drivers)
  await drivers.close()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((drivers) => drivers.close()))
})
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

async function open(options: Partial<PgliteOptions> = {}): Promise<Drivers> {
  const drivers = await pgliteDrivers({ dataDir: 'memory://', rolePrefix: 'plinth_', loadDataDir: image, ...options })
  opened.push(drivers)
  return drivers
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-pglite-'))
  folders.push(folder)
  return join(folder, 'data')
}

async function who(connection: Connection): Promise<unknown> {
  return (await connection.query(`select session_user::text as session, current_user::text as now`))[0]
}

const is = (role: string): unknown => ({ session: role, now: role })
const names = async (connection: Connection): Promise<unknown> =>
  (await connection.query('select name from task order by name')).map((row) => row['name'])

describe('identities', () => {
  test('are session roles, each its own', async () => {
    const drivers = await open()
    const [app, system, owner] = [drivers.app, await drivers.system(), await drivers.owner()]
    expect(await who(app)).toEqual(is('plinth_app'))
    expect(await who(system)).toEqual(is('plinth_system'))
    expect(await who(owner)).toEqual(is('postgres'))
    expect(await who(app)).toEqual(is('plinth_app'))
    expect(await app.transaction(who)).toEqual(is('plinth_app'))
    expect(await system.transaction(who)).toEqual(is('plinth_system'))
  })

  test('see what their policies let them see', async () => {
    const drivers = await open()
    expect(await names(drivers.app)).toEqual([])
    expect(await names(await drivers.system())).toEqual(['of a', 'of b'])
    const seen = await drivers.app.transaction(async (tx) => {
      await tx.query(`select set_config('plinth.tenant', $1::text, true)`, ['00000000-0000-0000-0000-00000000000a'])
      return names(tx)
    })
    expect(seen).toEqual(['of a'])
    expect(await names(drivers.app)).toEqual([])
  })

  test('never mix: 300 statements and transactions of all three at once', async () => {
    const drivers = await open()
    const all: [Driver, string][] = [
      [drivers.app, 'plinth_app'],
      [await drivers.system(), 'plinth_system'],
      [await drivers.owner(), 'postgres'],
    ]
    const work = Array.from({ length: 300 }, async (_, n) => {
      const [driver, role] = all[n % 3] ?? [drivers.app, 'plinth_app']
      const seen = await (n % 2 ? who(driver) : driver.transaction(who))
      return { seen, wanted: is(role) }
    })
    const wrong = (await Promise.all(work)).filter(
      ({ seen, wanted }) => JSON.stringify(seen) !== JSON.stringify(wanted),
    )
    expect(wrong).toEqual([])
  })

  test('end with the work, also with one that failed or left something behind', async () => {
    const drivers = await open()
    const owner = await drivers.owner()
    const system = await drivers.system()
    for (const failing of [
      () => owner.query('selec'),
      () => owner.transaction((tx) => tx.query('selec')),
      () => owner.script('begin; select 1 / 0'),
      () => owner.script('begin; set local session authorization plinth_system'),
      () => owner.script('set session authorization plinth_system'),
      () => owner.script('set role plinth_system'),
      () => owner.script('discard all'),
      () => owner.query(`select set_config('role', 'plinth_system', false)`),
      () => system.transaction(() => Promise.reject(new Error('mine'))),
    ]) {
      await failing().catch(() => undefined)
      expect(await who(drivers.app)).toEqual(is('plinth_app'))
      expect(await names(drivers.app)).toEqual([])
      expect(await who(owner)).toEqual(is('postgres'))
    }
  })

  describe('of the app cannot be shed', () => {
    let drivers: Drivers
    beforeAll(async () => {
      drivers = await pgliteDrivers({ dataDir: 'memory://', rolePrefix: 'plinth_', loadDataDir: image })
    })
    afterAll(() => drivers.close())

    test.each([
      'reset role',
      'reset session authorization',
      'set session authorization default',
      'set role postgres',
      'set role none',
      'reset all',
      'discard all',
      `do $$ begin execute 'reset session ' || 'authorization'; end $$`,
      `do $$ begin execute 'set session ' || 'authorization default'; end $$`,
      'alter role plinth_app superuser',
      'alter table task disable row level security',
    ])('by: %s', async (escape) => {
      await drivers.app.query(escape, [], { prepare: true }).catch(() => undefined)
      expect(await who(drivers.app)).toEqual(is('plinth_app'))
      expect(await names(drivers.app)).toEqual([])
      await drivers.app.script(escape).catch(() => undefined)
      expect(await names(drivers.app)).toEqual([])
      expect(await names(await drivers.system())).toEqual(['of a', 'of b'])
    })
  })
})

test('a statement that would change the identity of the session for all who come after is refused', async () => {
  const drivers = await open()
  const system = await drivers.system()
  for (const text of [
    'set session authorization postgres',
    'SET  LOCAL SESSION\n AUTHORIZATION postgres',
    `select set_config('session_authorization', 'postgres', false)`,
  ]) {
    for (const driver of [drivers.app, system]) {
      await expect(driver.query(text)).rejects.toMatchObject({ code: 'identity_change' })
      await expect(driver.script(text)).rejects.toMatchObject({ code: 'identity_change' })
      await expect(driver.transaction((tx) => tx.query(text))).rejects.toMatchObject({ code: 'identity_change' })
    }
  }
  expect(await who(drivers.app)).toEqual(is('plinth_app'))
  // Hidden from that, it lasts no longer than the script.
  await drivers.app.script(`do $$ begin perform set_config('session_' || 'authorization', 'postgres', false); end $$`)
  expect(await who(drivers.app)).toEqual(is('plinth_app'))
})

describe('before the migrations', () => {
  test('the app and system are refused, the owner is not, and migrating mends it', async () => {
    const drivers = await pgliteDrivers({ dataDir: 'memory://', rolePrefix: 'acme_' })
    opened.push(drivers)
    const system = await drivers.system()
    for (const refused of [
      drivers.app.query('select 1'),
      drivers.app.transaction((tx) => tx.query('select 1')),
      drivers.app.script('select 1'),
      system.query('select 1'),
    ]) {
      const error: unknown = await refused.catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ name: 'DriverError', code: 'not_migrated' })
      expect(classify(error)).toMatchObject({ kind: 'schema', sent: false })
    }
    const owner = await drivers.owner()
    expect(await who(owner)).toEqual(is('postgres'))
    await owner.script('create role acme_app; create role acme_system')
    expect(await who(drivers.app)).toEqual(is('acme_app'))
    expect(await who(system)).toEqual(is('acme_system'))
    expect(await who(owner)).toEqual(is('postgres'))
  })

  test.each(['', 'Plinth_', 'a"b', 'a b', '1a', 'a-'])('the prefix %j is refused', async (rolePrefix) => {
    await expect(pgliteDrivers({ dataDir: 'memory://', rolePrefix })).rejects.toThrow(TypeError)
  })
})

describe('taking turns', () => {
  test('a statement beside the open transaction is refused instead of waiting for ever', async () => {
    const drivers = await open()
    const system = await drivers.system()
    const result = await drivers.app.transaction(async (tx) => {
      await expect(drivers.app.query('select 1')).rejects.toMatchObject({ code: 'beside_transaction' })
      await expect(system.transaction(who)).rejects.toMatchObject({ code: 'beside_transaction' })
      return who(tx)
    })
    expect(result).toEqual(is('plinth_app'))
  })

  test('what the work of a transaction left running may go on afterwards', async () => {
    const drivers = await open()
    let goOn = (): void => undefined
    const gate = new Promise<void>((resolve) => (goOn = resolve))
    const { later } = await drivers.app.transaction(() => Promise.resolve({ later: gate.then(() => who(drivers.app)) }))
    goOn()
    expect(await later).toEqual(is('plinth_app'))
  })

  test('the line is bounded', async () => {
    const drivers = await open({ maxQueue: 2 })
    const answers = await Promise.allSettled(
      Array.from({ length: 5 }, (_, n) => drivers.app.query('select $1::int4 as n', [n])),
    )
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? 'done' : classify(answer.reason).kind))).toEqual([
      'done',
      'done',
      'done',
      'overloaded',
      'overloaded',
    ])
  })
})

describe('a folder', () => {
  test('keeps what was written, is made with its parents, for this user alone, and locked', async () => {
    const dataDir = join(newFolder(), 'deep')
    const first = await open({ dataDir })
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(existsSync(join(dataDir, lockName))).toBe(true)
    await (await first.owner()).query(`insert into task values ('00000000-0000-0000-0000-00000000000a', 'kept')`)
    await expect(pgliteDrivers({ dataDir, rolePrefix: 'plinth_' })).rejects.toMatchObject({ code: 'data_locked' })
    await first.close()
    expect(existsSync(join(dataDir, lockName))).toBe(false)

    const again = await pgliteDrivers({ dataDir, rolePrefix: 'plinth_' })
    opened.push(again)
    expect(await names(await again.system())).toEqual(['kept', 'of a', 'of b'])
    expect(await who(again.app)).toEqual(is('plinth_app'))
  })

  test('that cannot be opened is given free again', async () => {
    const dataDir = newFolder()
    const first = await open({ dataDir })
    await first.close()
    // There is a database in it already.
    await expect(open({ dataDir })).rejects.toThrow('cannot load from tarball')
    expect(existsSync(join(dataDir, lockName))).toBe(false)
  })

  test('is initialised from nothing too', async () => {
    const drivers = await pgliteDrivers({ dataDir: newFolder(), rolePrefix: 'plinth_' })
    opened.push(drivers)
    expect(await who(await drivers.owner())).toEqual(is('postgres'))
  })
})

test('dumpDataDir takes only what pgliteDrivers gave', async () => {
  const drivers = await open()
  await expect(dumpDataDir({ ...drivers })).rejects.toThrow(TypeError)
})

test('closing one identity closes all, once', async () => {
  const drivers = await open()
  await drivers.app.close()
  await drivers.close()
  await (await drivers.owner()).close()
  await expect((await drivers.system()).query('select 1')).rejects.toMatchObject({ code: 'closed' })
})

test('without PGlite installed, the error says how to install it', () => {
  const script = `
    import { registerHooks } from 'node:module'
    registerHooks({ resolve(name, context, next) {
      if (name !== '@electric-sql/pglite') return next(name, context)
      throw Object.assign(new Error("Cannot find package '@electric-sql/pglite'"), { code: 'ERR_MODULE_NOT_FOUND' })
    } })
    const { pgliteDrivers } = await import(${JSON.stringify(new URL('pglite.ts', import.meta.url).href)})
    await pgliteDrivers({ dataDir: 'memory://', rolePrefix: 'plinth_' }).catch((error) => console.log(error.code, error.message))`
  const cwd = fileURLToPath(new URL('.', import.meta.url))
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8' })
  expect(ran.stderr).toBe('')
  expect(ran.stdout).toMatch(/^package_missing .*npm install @electric-sql\/pglite/)
})
