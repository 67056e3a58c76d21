import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import type { AccessExplanation } from '@plinth/core'
import { postgresDrivers } from '@plinth/postgres/driver'
import { createDatabase, loginUrl, type TestDatabase } from '@plinth/testing'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { projectFolder, runBin, type Ran } from '../tests/spawn-bin.ts'

/* `plinth explain` over stored rows: scopes, one row, rows that are not shown, other tenants'. */

const group = 'cccccccc-0000-4000-8000-000000000001'
const acme = 'aaaaaaaa-0000-4000-8000-000000000001'
const beta = 'bbbbbbbb-0000-4000-8000-000000000001'
const ids = {
  ours: 'dddddddd-0000-4000-8000-000000000001',
  theirs: 'dddddddd-0000-4000-8000-000000000002',
  foreign: 'dddddddd-0000-4000-8000-000000000003',
  never: 'dddddddd-0000-4000-8000-000000000009',
}

const config = `
import { text } from 'drizzle-orm/pg-core'
import { createPlinth, defineResource, resourceTable, serviceTokens } from '@plinth/core'
import { postgres } from '@plinth/postgres'
const sites = resourceTable('sites', { name: text().notNull(), token: text() })
const token = (letter, name, permissions, more) => ({ name, permissions, tokenSha256: letter.repeat(64), tenant: 'acme', ...more })
export const plinth = createPlinth({
  database: postgres(process.env.DATABASE_URL),
  resources: [defineResource({ table: sites, fields: { token: { secret: true } } })],
  features: [
    serviceTokens([
      token('a', 'robot', ['site:*']),
      token('b', 'team', ['site:read', 'site:update:group', 'site:delete:own'], { groups: ['${group}'] }),
      token('c', 'inside', ['site:read:group', 'site:update'], { groups: ['${group}'] }),
    ]),
  ],
})
`

// Each call is a process: seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let database: TestDatabase
let folder: string
let env: Record<string, string>
const plinth = (...args: readonly string[]): Promise<Ran> => runBin(args, folder, env)
const explain = async (...args: readonly string[]): Promise<AccessExplanation> => {
  const { code, out, err } = await plinth('explain', ...args, '--json')
  if (code !== 0 || err !== '') throw new Error(`ended with ${code}: ${err}`)
  return JSON.parse(out) as AccessExplanation
}

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'))
  folder = projectFolder({ 'plinth.config.ts': config })
  env = {
    ENVIRONMENT: 'test',
    SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    DATABASE_URL: loginUrl(database.url, 'plinth_app'),
    DATABASE_OWNER_URL: database.url,
  }
  const migrated = await plinth('migrate')
  if (migrated.code !== 0) throw new Error(migrated.err)
  const drivers = postgresDrivers(database.url, { ownerUrl: database.url })
  await (
    await drivers.owner()
  ).script(`insert into plinth.tenants (id, slug, name) values ('${acme}', 'acme', 'Acme'), ('${beta}', 'beta', 'Beta');
    insert into sites (tenant_id, id, name, token, owner_group_id) values
      ('${acme}', '${ids.ours}', 'ours', 'hush', '${group}'), ('${acme}', '${ids.theirs}', 'theirs', 'hush', null),
      ('${beta}', '${ids.foreign}', 'foreign', 'hush', '${group}');`)
  await drivers.close()
}, 120_000)
afterAll(async () => {
  await database.drop()
  rmSync(folder, { recursive: true })
})

test('without a row a scope is told as the rule it is', async () => {
  expect(await explain('site:update', '--as', 'robot')).toMatchObject({ decision: 'allowed', decidedBy: 'scope' })
  const grouped = await explain('site:update', '--as', 'service:team')
  expect(grouped).toMatchObject({ decision: 'depends', answer: null, decidedBy: 'scope', id: null })
  expect(grouped.rules.map(({ source, name, effect }) => [source, name, effect])).toEqual([
    ['tenant', 'acme', 'admits'],
    ['scope', 'site:update:group', 'narrows'],
  ])
  // A service is no person, so no row is its own.
  expect(await explain('site:delete', '--as', 'team')).toMatchObject({
    decision: 'denied',
    answer: 'permission_denied',
    sentence: expect.stringContaining('no row can be in it') as string,
  })
  expect(await explain('site:create', '--as', 'team')).toMatchObject({
    decision: 'denied',
    sentence: expect.stringContaining('does not hold site:create in any scope') as string,
  })
})

test('a row decides what a scope leaves open', async () => {
  expect(await explain('site:update', '--as', 'team', '--id', ids.ours)).toMatchObject({
    decision: 'allowed',
    answer: null,
    id: ids.ours,
    tenant: { id: acme, slug: 'acme' },
  })
  const denied = await explain('site:update', '--as', 'team', '--id', ids.theirs)
  expect(denied).toMatchObject({ decision: 'denied', answer: 'permission_denied', decidedBy: 'scope' })
  expect(denied.sentence).toContain('may see this site, but not update it')
  expect(denied.rules.at(-1)).toMatchObject({ source: 'scope', name: 'site:update:group', effect: 'refuses' })
  expect(denied.rules.at(-1)?.explanation?.sentence).toContain('ownerGroupId is null')
})

test('a row that may not be seen is as if it were not there, and one of another tenant is not there', async () => {
  const hidden = await explain('site:update', '--as', 'inside', '--id', ids.theirs)
  expect(hidden).toMatchObject({ decision: 'denied', answer: 'not_found', decidedBy: 'scope' })
  expect(hidden.sentence).toContain('may not see this site')
  const [foreign, never] = [
    await explain('site:update', '--as', 'robot', '--id', ids.foreign),
    await explain('site:update', '--as', 'robot', '--id', ids.never),
  ]
  expect(never).toMatchObject({ decision: 'denied', answer: 'not_found', decidedBy: 'row' })
  expect(JSON.stringify(foreign).replaceAll(ids.foreign, ids.never)).toBe(JSON.stringify(never))
  expect(await explain('site:update', '--as', 'robot', '--id', ids.foreign, '--tenant', 'beta')).toMatchObject({
    decision: 'denied',
    answer: 'tenant_forbidden',
    decidedBy: 'tenant',
    tenant: null,
  })
})

test('in words: the sentence, who decided, and the rule that refused with its parts; no secret', async () => {
  const { code, out } = await plinth('explain', 'site:update', '--as', 'team', '--id', ids.theirs)
  expect(code).toBe(0)
  expect(out).toMatch(/^Denied: team may see this site, but not update it\. /)
  expect(out).toContain('\ndecided by: scope (answers permission_denied)\n')
  expect(out).toContain('\nadmits  tenant acme\nrefuses scope site:update:group\n          ')
  expect(out).not.toContain('hush')
})
