import { text } from 'drizzle-orm/pg-core'
import { resourceTable, StartupError } from '@plinth/core'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { loginUrl } from '../../../testing/src/server/databases.ts'
import {
  check,
  migrate,
  onPGlite,
  onServer,
  outcome,
  password,
  registryOf,
  serverDriver,
  type Subject,
} from '../../tests/migration-fixture.ts'
import { ensureRoles } from './ensure-roles.ts'
import { verifiesPassword } from './password-verifier.ts'
import { readRoles } from './read-roles.ts'
import { roleNames } from './role-names.ts'

const registry = registryOf([resourceTable('sites', { name: text().notNull() })])

describe.each([
  { engine: 'PostgreSQL', open: () => onServer(inject('postgresUrl')) },
  { engine: 'PGlite', open: onPGlite },
])('on $engine', ({ open }) => {
  let subject: Subject
  beforeEach(async () => void (subject = await open()))
  afterEach(() => subject.close())

  test('makes five roles with no more rights than they need, once', async () => {
    const { roles } = subject
    const options = { rolePrefix: subject.prefix, appLogin: { user: roles.app, password }, systemPassword: 'other' }
    const first = await ensureRoles(subject.owner, options)
    expect(first.warnings).toEqual([])
    expect(first.applied.filter((words) => words.startsWith('created role'))).toHaveLength(5)
    const found = await readRoles(subject.owner, Object.values(roles))
    const nothing = { superuser: false, createRole: false, createDb: false, replication: false }
    expect(found.get(roles.owner)).toMatchObject({ ...nothing, canLogin: false, bypassRls: false, memberOf: [] })
    expect(found.get(roles.app)).toMatchObject({ ...nothing, canLogin: true, bypassRls: false, memberOf: [] })
    expect(found.get(roles.lookup)).toMatchObject({ ...nothing, canLogin: false, bypassRls: false, memberOf: [] })
    expect(found.get(roles.system)).toMatchObject({ ...nothing, canLogin: true, bypassRls: false, memberOf: [] })
    expect(found.get(roles.backup)).toMatchObject({
      ...nothing,
      canLogin: false,
      bypassRls: true,
      memberOf: ['pg_read_all_data'],
    })
    expect(await ensureRoles(subject.owner, options)).toEqual({ applied: [], warnings: [] })
  })

  test('stores a verifier of the password, and a new password is a change', async () => {
    const { roles } = subject
    const options = { rolePrefix: subject.prefix, appLogin: { user: roles.app, password } }
    await ensureRoles(subject.owner, options)
    const stored = (await readRoles(subject.owner, [roles.app])).get(roles.app)?.verifier ?? ''
    expect(stored).toMatch(/^SCRAM-SHA-256\$4096:/)
    expect(verifiesPassword(stored, password)).toBe(true)
    const changed = await ensureRoles(subject.owner, { ...options, appLogin: { user: roles.app, password: 'new' } })
    expect(changed.applied).toEqual([`set the password of role ${roles.app}`])
  })

  test('takes away what somebody gave to its roles', async () => {
    const { roles } = subject
    await ensureRoles(subject.owner, { rolePrefix: subject.prefix })
    await subject.owner.script(`alter role "${roles.app}" bypassrls createrole; alter role "${roles.owner}" superuser`)
    const { applied } = await ensureRoles(subject.owner, { rolePrefix: subject.prefix })
    expect(applied).toEqual([
      `took from role ${roles.owner}: nosuperuser`,
      `took from role ${roles.app}: nobypassrls, nocreaterole`,
    ])
  })
})

describe('on a server', () => {
  let subject: Subject
  let name: (suffix: string) => string
  beforeEach(async () => {
    subject = await onServer(inject('postgresUrl'))
    name = (suffix) => `${subject.prefix}${suffix}`
  })
  afterEach(() => subject.close())

  const login = async (suffix: string, attributes: string): Promise<string> => {
    await subject.owner.script(`create role "${name(suffix)}" login ${attributes}`)
    return name(suffix)
  }

  test('a login of another name becomes a member of the runtime role and works', async () => {
    const user = await login('web', "password 'web'")
    const { applied } = await migrate(subject, registry, { appLogin: { user, password: 'web' } })
    expect(applied).toContain(`made ${user} a member of ${subject.roles.app}`)
    const driver = subject.login(user, 'web')
    expect(await check(subject, registry, driver)).toEqual([])
    expect(await driver.query('select * from sites')).toEqual([])
    expect((await migrate(subject, registry, { appLogin: { user, password: 'web' } })).applied).toEqual([])
  })

  test.each([
    ['does not exist', undefined, 'does not exist'],
    ['is a superuser', 'superuser', 'is a superuser'],
    ['has BYPASSRLS', 'bypassrls', 'has BYPASSRLS'],
  ])('a login that %s is refused', async (_, attributes, problem) => {
    const user = attributes === undefined ? name('web') : await login('web', attributes)
    const refused: unknown = await migrate(subject, registry, { appLogin: { user } }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(StartupError)
    expect((refused as StartupError).faults).toEqual([
      expect.objectContaining({
        path: `DATABASE_URL login ${user}`,
        problem: expect.stringContaining(problem) as string,
      }),
    ])
  })

  test('a login that can become the owner or the system role is refused', async () => {
    await ensureRoles(subject.owner, { rolePrefix: subject.prefix })
    const user = await login('web', '')
    await subject.owner.script(
      `create role "${name('staff')}"; grant "${subject.roles.owner}", "${subject.roles.system}" to "${name('staff')}"; grant "${name('staff')}" to "${user}"`,
    )
    for (const one of [user, subject.roles.system]) {
      await expect(ensureRoles(subject.owner, { rolePrefix: subject.prefix, appLogin: { user: one } })).rejects.toThrow(
        'or a member of it',
      )
    }
  })

  test('a NOINHERIT login is told what to do', async () => {
    const user = await login('web', 'noinherit')
    await expect(ensureRoles(subject.owner, { rolePrefix: subject.prefix, appLogin: { user } })).rejects.toThrow(
      `alter role "${user}" inherit;`,
    )
  })

  test('a migrating login that is no superuser can do all but the backup role', async () => {
    const admin = await login('admin', "createrole password 'admin'")
    const database = new URL(subject.url).pathname.slice(1)
    await subject.owner.script(`alter database "${database}" owner to "${admin}"`)
    const owner = subject.login(admin, 'admin')
    const report = await migrate(subject, registry, { owner })
    expect(report.applied).toEqual(
      expect.arrayContaining([
        `let ${admin} become ${subject.roles.owner}`,
        'applied platform migration 0001_platform',
        'created table sites',
      ]),
    )
    expect(report.warnings).toEqual([
      expect.stringContaining(
        `Backups cannot read every row yet (${subject.roles.backup}). As a superuser run: create role`,
      ),
    ])
    expect(await check(subject, registry)).toEqual([])
    // The passwords cannot be compared without reading pg_authid; set again they are no news.
    const again = await migrate(subject, registry, { owner })
    expect(again.applied).toEqual([])
    expect(again.warnings).toHaveLength(1)
  })

  test('a login without rights is told which', async () => {
    const nobody = await login('nobody', "password 'nobody'")
    const error: unknown = await migrate(subject, registry, { owner: subject.login(nobody, 'nobody') }).catch(
      (refused: unknown) => refused,
    )
    expect(String(error)).toMatch(/Migration stopped at "created role .*DATABASE_OWNER_URL lacks this right/s)
  })

  test('the password that was set opens the door, where the server asks for one', async () => {
    await ensureRoles(subject.owner, { rolePrefix: subject.prefix, appLogin: { user: subject.roles.app, password } })
    const driver = serverDriver(loginUrl(subject.url, subject.roles.app, password), 1)
    expect(await outcome(driver.query('select 1'))).toBe('ok')
    await driver.close()
  })
})

test('a prefix must be a plain name', () => {
  for (const prefix of ['', 'Plinth_', 'pg_', 'a"; drop role x', '1_', 'x'.repeat(42)])
    expect(() => roleNames(prefix)).toThrow('rolePrefix')
  expect(roleNames('acme_')).toMatchObject({ app: 'acme_app', owner: 'acme_owner' })
})
