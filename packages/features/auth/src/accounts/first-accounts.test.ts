import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { openAuth, PASSWORD, PUBLIC_URL, type AuthPlatform } from '../../tests/open-auth.ts'

const opened: AuthPlatform[] = []
const folder = mkdtempSync(join(tmpdir(), 'plinth-auth-'))
afterAll(async () => {
  for (const platform of opened) await platform.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(environment: string): Promise<AuthPlatform> {
  const SECRET_KEYS = `k:${Buffer.from('kV9Jv0i3w1oU5nqz7m2b4c6d8e0f1g3h').toString('base64')}`
  const env = { ENVIRONMENT: environment, PUBLIC_URL, SECRET_KEYS, DATA_DIR: folder }
  // Databases are cloned from a template for each set of features; what is seeded depends on the environment.
  const platform = await openAuth(
    {},
    [{ name: `as-in-${environment}`, tables: [], migrations: [{ id: '1', sql: 'select 1' }] }],
    { env },
  )
  opened.push(platform)
  return platform
}

const signIn = (platform: AuthPlatform, username: string, password: string): ReturnType<AuthPlatform['call']> =>
  platform.call('POST', '/api/v1/auth/login', { username, password })

describe('the accounts of development', () => {
  test('are there, the one an operator and owner of the tenant default, the other a user', async () => {
    const platform = await open('development')
    const me = async (name: string): Promise<unknown> => {
      const reply = await signIn(platform, name, `${name}123`)
      expect(reply.status, reply.body).toBe(200)
      const bearer = { authorization: `Bearer ${(reply.json as { access_token: string }).access_token}` }
      return (await platform.call('GET', '/api/v1/auth/me', undefined, bearer)).json
    }
    expect(await me('admin')).toMatchObject({ superadmin: true, tenant: { slug: 'default' }, roles: ['owner'] })
    expect(await me('demo')).toMatchObject({ superadmin: false, tenant: { slug: 'default' }, roles: ['user'] })
    // Whoever changed them finds them so after the next start.
    await platform.superuser.query(`update plinth.users set name = 'Mine' where username = 'demo'`)
    await platform.plinth.migrate()
    expect(await me('demo')).toMatchObject({ user: { name: 'Mine' } })
  }, 120_000)

  test.each(['test', 'staging', 'production'])(
    'are not there in %s',
    async (environment) => {
      const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
      const platform = await open(environment)
      expect(said.mock.calls.flat().join('')).not.toContain('admin123')
      for (const name of ['admin', 'demo']) expect((await signIn(platform, name, `${name}123`)).status).toBe(401)
    },
    120_000,
  )
})

describe('the first operator', () => {
  test('is made by the token of the first start, once, and by nobody after that', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const platform = await open('production')
    const printed = async (): Promise<string | undefined> => {
      said.mockClear()
      await platform.plinth.migrate()
      return /btp_[\w-]{43}/.exec(said.mock.calls.flat().join(''))?.[0]
    }
    // The start that made the database has printed one; it is offered once.
    expect(await printed()).toBeUndefined()
    await platform.superuser.query(`delete from plinth.one_time_tokens where purpose = 'bootstrap'`)
    const both = await Promise.all([printed(), printed()])
    const token = both.find((one) => one !== undefined)!
    expect(token).toBeDefined()
    const make = (email: string, password = PASSWORD): ReturnType<AuthPlatform['call']> =>
      platform.call('POST', '/api/v1/auth/bootstrap', { token, email, password })
    expect((await make('root@example.com', 'weak')).status).toBe(400)
    const replies = await Promise.all(Array.from({ length: 50 }, (_, at) => make(`root-${at}@example.com`)))
    expect(replies.filter((reply) => reply.status === 201)).toHaveLength(1)
    expect(replies.filter((reply) => (reply.json as { code?: string }).code === 'token_invalid')).toHaveLength(49)
    expect(await platform.superuser.query('select count(*)::int as n from plinth.users where superadmin')).toEqual([
      { n: 1 },
    ])
    expect(await printed()).toBeUndefined()
    expect(JSON.stringify(platform.log.lines)).not.toContain(token)
  }, 120_000)

  test('is made on the command line, with a password that no argument holds', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const platform = await open('production')
    const command = platform.plinth.commands.find(({ name }) => name === 'admin:create')!
    const terminal = { note: () => undefined, ask: () => Promise.resolve(PASSWORD) }
    expect(Object.keys(command.options)).not.toContain('password')
    const made = await command.run({ email: 'ops@example.com', username: 'ops' }, terminal)
    expect(made).toMatchObject({ email: 'ops@example.com', superadmin: true })
    expect((await signIn(platform, 'ops', PASSWORD)).status).toBe(200)
    await expect(command.run({ email: 'ops@example.com' }, terminal)).rejects.toMatchObject({ code: 'email_taken' })
    await expect(
      command.run({ email: 'x@example.com' }, { ...terminal, ask: () => Promise.resolve(undefined) }),
    ).rejects.toMatchObject({ code: 'validation_failed' })
  }, 120_000)
})
