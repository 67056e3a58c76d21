import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDatabase, loginUrl, type TestDatabase } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { projectFolder, runBin, type Ran } from '../../tests/spawn-bin.ts'
import { runCli } from '../run-cli.ts'

/* Commands that features bring, and sealing anew, on a database of their own. */

const config = `
import { text } from 'drizzle-orm/pg-core'
import { auth } from '@plinth/auth'
import { createPlinth, defineResource, problem, resourceTable } from '@plinth/core'
import { postgres } from '@plinth/postgres'
const vault = {
  name: 'vault',
  reseal: async () => 3,
  commands: [{
    name: 'vault:open',
    summary: 'open the vault',
    options: { force: { type: 'boolean', description: 'break the door' }, code: { type: 'string', description: 'the code' } },
    async run(_platform, { force, code }, { note, ask }) {
      note('Turning …')
      if (force !== true) throw problem('conflict', { detail: 'It is shut.' })
      return { opened: true, code: code ?? (await ask('Code: ', { hidden: true })) ?? 'none', command: 'kept' }
    },
  }],
}
export const plinth = createPlinth({
  title: 'Shop',
  database: postgres(process.env.DATABASE_URL, { ownerUrl: process.env.DATABASE_OWNER_URL }),
  resources: [defineResource({ table: resourceTable('sites', { name: text().notNull() }) })],
  features: [auth({ developmentAccounts: false }), vault],
})
`
const password = 'kestrel over seven quays'

// Each call is a process: seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let database: TestDatabase
let folder: string
let env: Record<string, string>
const plinth = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  runBin(args, folder, { ...env, ...more })

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'))
  folder = projectFolder({ 'plinth.config.ts': config })
  env = {
    ENVIRONMENT: 'development',
    DATA_DIR: join(folder, 'data'),
    DATABASE_URL: loginUrl(database.url, 'plinth_app'),
    DATABASE_OWNER_URL: database.url,
  }
})
afterAll(async () => {
  await database.drop()
  rmSync(folder, { recursive: true })
})

describe('the commands of features', () => {
  test('stand in the help of their project, and have one of their own', async () => {
    const { out } = await plinth(['--help'])
    expect(out).toContain('\nCommands of features of this project\n')
    expect(out).toMatch(/\n {2}vault:open +open the vault\n/)
    const own = await plinth(['vault:open', '--help'])
    expect(own).toMatchObject({ code: 0, err: '' })
    expect(own.out).toContain('Usage: plinth vault:open [options]')
    expect(own.out).toMatch(/--code <code> +the code\n/)
    expect((await plinth(['admin:create', '--help'])).out).toMatch(/--email <email> +e-mail address \(required\)\n/)
    writeFileSync(join(folder, 'plinth.config.mts'), 'not a module')
    rmSync(join(folder, 'plinth.config.ts'))
    const unreadable = await plinth(['--help'])
    writeFileSync(join(folder, 'plinth.config.ts'), config)
    rmSync(join(folder, 'plinth.config.mts'))
    expect(unreadable).toMatchObject({ code: 0, err: '' })
    expect(unreadable.out).toContain('the configuration of this project cannot be read')
  })

  test.each([
    [['vault:shut'], "There is no command 'vault:shut'. There are: migrate"],
    [['vault:open', '--bogus'], 'Unknown option'],
    [['vault:open', 'more'], 'one argument too many'],
    [['admin:create'], '--email is missing'],
    [['admin:create', '--email', ''], '--email is missing'],
    [['vault:open', '--config', 'nowhere.ts'], 'There is no file nowhere.ts'],
  ])('%j is wrong usage: 2, in words', async (args, words) => {
    const { code, out, err } = await plinth(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(words)
    expect(err).not.toMatch(/\n\s+at /)
  })

  test('write nothing into a database that is not as declared', async () => {
    for (const command of [['vault:open', '--force'], ['keys:rotate']]) {
      const { code, out, err } = await plinth(command)
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(err).toContain('plinth migrate')
      expect(err).not.toMatch(/\n\s+at /)
    }
    expect(await plinth(['migrate'])).toMatchObject({ code: 0 })
  })

  test('print what was done as lines, or as JSON', async () => {
    expect(await plinth(['vault:open', '--force', '--code', '7'])).toEqual({
      code: 0,
      out: 'opened: true\ncode: 7\ncommand: kept\n',
      err: 'Turning …\n',
    })
    const json = await plinth(['vault:open', '--force', '--json'])
    expect(JSON.parse(json.out)).toEqual({
      command: 'vault:open',
      ok: true,
      result: { opened: true, code: 'none', command: 'kept' },
    })
    const refused = await plinth(['vault:open', '--json'])
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.out)).toMatchObject({ ok: false, error: { code: 'conflict', message: 'It is shut.' } })
  })

  test('ask where somebody is there to answer', async () => {
    const [out, err]: [string[], string[]] = [[], []]
    const asked: unknown[] = []
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const code = await runCli(['vault:open', '--force'], {
      cwd: folder,
      env: {},
      out: (text) => void out.push(text),
      err: (text) => void err.push(text),
      isLive: false,
      hasColor: false,
      confirm: undefined,
      ask: async (question, options) => {
        asked.push([question, options])
        return Promise.resolve('0-4-2')
      },
      interrupted: new AbortController().signal,
    })
    expect(code, err.join('')).toBe(0)
    expect(asked).toEqual([['Code: ', { hidden: true }]])
    expect(out.join('')).toContain('code: 0-4-2\n')
  })
})

test('keys:rotate tells how much each feature sealed anew', async () => {
  const { code, out, err } = await plinth(['keys:rotate'])
  expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('vault: 3\n') as string })
  expect(err).toMatch(/^Sealed \d+ values anew\./)
  expect(JSON.parse((await plinth(['keys:rotate', '--json'])).out)).toMatchObject({
    command: 'keys:rotate',
    ok: true,
    resealed: { vault: 3 },
  })
})

describe('admin:create', () => {
  const create = (email: string, more: readonly string[] = [], given = password): Promise<Ran> =>
    plinth(['admin:create', '--email', email, ...more], { PLINTH_ADMIN_PASSWORD: given })

  test('makes an operator, and shows the password nowhere', async () => {
    const made = await create('ada@example.com', ['--name', 'Ada', '--json'])
    expect(made.code, made.err).toBe(0)
    expect(JSON.parse(made.out)).toMatchObject({
      command: 'admin:create',
      result: { email: 'ada@example.com', superadmin: true },
    })
    expect(`${made.out}${made.err}`).not.toContain(password)
    const again = await create('ada@example.com')
    expect(again).toMatchObject({ code: 1, out: '' })
    expect(again.err).toContain('Add --existing')
    expect(await create('ada@example.com', ['--existing'])).toMatchObject({ code: 0 })
  })

  test('refuses in words a weak password, a strange address, and silence', async () => {
    const weak = await create('bea@example.com', ['--json'], 'short')
    expect(weak.code).toBe(1)
    expect(JSON.parse(weak.out)).toMatchObject({ error: { code: 'validation_failed' } })
    expect(weak.err).toContain('/password: ')
    expect((await create('no address')).err).toContain('email: ')
    const silent = await plinth(['admin:create', '--email', 'bea@example.com'])
    expect(silent).toMatchObject({ code: 1, out: '' })
    expect(silent.err).toContain('set PLINTH_ADMIN_PASSWORD')
  })
})
