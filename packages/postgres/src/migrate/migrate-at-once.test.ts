import { text } from 'drizzle-orm/pg-core'
import { belongsTo, resourceTable } from '@plinth/core'
import { afterEach, expect, inject, test } from 'vitest'
import {
  check,
  migrate,
  onServer,
  registryOf,
  serverDriver,
  silentLog,
  type Subject,
} from '../../tests/migration-fixture.ts'
import type { Driver } from '../drivers/driver.ts'
import { ensureRoles } from '../roles/ensure-roles.ts'
import { migrateDatabase } from './migrate-database.ts'

const sites = resourceTable('sites', { name: text().notNull() })
const projects = resourceTable('projects', { siteId: belongsTo(() => sites) })
const registry = registryOf([sites, projects])
const open: Subject[] = []
const drivers: Driver[] = []

afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()))
  // One after the other: the last one drops the roles that the databases share.
  for (const subject of open.splice(0)) await subject.close()
})

async function database(prefix?: string): Promise<Subject> {
  const subject = await onServer(inject('postgresUrl'), prefix)
  open.push(subject)
  return subject
}

/** Each process has connections of its own; one is enough to migrate. */
function another(subject: Subject): Driver {
  const driver = serverDriver(subject.url, 1)
  drivers.push(driver)
  return driver
}

test('five processes that start at once do each step once', async () => {
  const subject = await database()
  const reports = await Promise.all(
    Array.from({ length: 5 }, () => migrate(subject, registry, { owner: another(subject) })),
  )
  const steps = reports.flatMap((report) => report.applied)
  expect(steps).toHaveLength(new Set(steps).size)
  expect(steps).toEqual(
    expect.arrayContaining([
      `created role ${subject.roles.app}`,
      'applied platform migration 0001_platform',
      'applied platform migration 0002_tenant_schemas',
      'created table sites',
      'created table projects',
    ]),
  )
  expect(reports.flatMap((report) => report.warnings)).toEqual([])
  expect(await check(subject, registry)).toEqual([])
  expect((await migrate(subject, registry)).applied).toEqual([])
})

test('five databases of one cluster migrate at once with the same roles', async () => {
  const first = await database()
  const subjects = [first, ...(await Promise.all(Array.from({ length: 4 }, () => database(first.prefix))))]
  const reports = await Promise.all(subjects.map((subject) => migrate(subject, registry)))
  const roles = reports.flatMap((report) => report.applied).filter((words) => words.startsWith('created role'))
  expect(new Set(roles)).toEqual(new Set(Object.values(first.roles).map((role: string) => `created role ${role}`)))
  expect(roles).toHaveLength(5)
  for (const subject of subjects) expect(await check(subject, registry)).toEqual([])
})

test('roles survive 12 callers in 4 databases, each changing the password', async () => {
  const first = await database()
  const subjects = [first, ...(await Promise.all(Array.from({ length: 3 }, () => database(first.prefix))))]
  const calls = subjects.flatMap((subject) =>
    [1, 2, 3].map((round) =>
      ensureRoles(another(subject), {
        rolePrefix: subject.prefix,
        appLogin: { user: subject.roles.app, password: `password ${round}` },
        systemPassword: `system ${round}`,
      }),
    ),
  )
  const reports = await Promise.all(calls)
  expect(reports.flatMap((report) => report.warnings)).toEqual([])
})

test('a table that is in use is waited for, and then had', async () => {
  const subject = await database()
  await migrate(subject, registry)
  let release: (() => void) | undefined
  const held = subject.system.transaction(async (connection) => {
    await connection.query('select * from sites')
    await new Promise<void>((done) => (release = done))
  })
  const more = resourceTable('sites', { name: text().notNull(), note: text() })
  const migrating = migrateDatabase({
    owner: another(subject),
    registry: registryOf([more]),
    rolePrefix: subject.prefix,
    log: silentLog,
  })
  // Longer than the migration waits for a table in one attempt.
  await new Promise((done) => setTimeout(done, 6_000))
  release?.()
  await held
  expect((await migrating).applied).toEqual(['added column sites.note'])
})
