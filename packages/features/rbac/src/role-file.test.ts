import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPlinth, StartupError } from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { depot } from '@plinth/testing'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { rbac, type RbacOptions } from './rbac.ts'
import { roleFile } from './role-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'plinth-role-file-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'rbac.json')

/** The faults of a platform with this file, each as `place in the file: problem`. */
function faultsOf(content: unknown, options: RbacOptions = {}): readonly string[] {
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  try {
    createPlinth({
      database: embedded('memory://'),
      resources: depot,
      features: [rbac({ ...options, file })],
      env: { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` },
    })
    return []
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    return error.faults.map(({ path, problem, fix }) => `${path.replace(file, '')}: ${problem}; ${fix}`)
  }
}

test('the published schema is the one that files are read by (npx vitest run role-file -u)', async () => {
  const schema = z.toJSONSchema(roleFile, { io: 'input' })
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('../rbac.schema.json')
})

test('every fault of a file is told at once, at its place', () => {
  const told = faultsOf({
    permissionGroups: { looking: ['crate:read', 'crate:raed'] },
    roles: {
      support: { include: ['lookign', 'looking'], permissions: [{ action: 'read', resource: 'craets' }] },
      'client/manager': { permissions: ['Crate.seal'] },
      admin: { permissions: [] },
    },
    tenantRoles: { user: { permissions: [] }, support: { permissions: ['*'] } },
  })
  expect(told.map((line) => line.split(';')[0])).toEqual([
    "#/roles/support/include/0: there is no permission group 'lookign'",
    '#/roles/client~1manager: is no name of a role',
    "#/roles/admin: what admin may do is not the product's to say",
    '#/tenantRoles/user: user is built in',
    '#/tenantRoles/support: is declared twice',
    "#/permissionGroups/looking/1: 'crate:raed' is no permission",
    '#/roles/support/permissions/0: {"action":"read","resource":"craets"} is no permission',
  ])
  expect(told.join('\n')).toContain('nearest: looking')
  expect(told.join('\n')).toContain("There is no action 'raed' of crate; nearest: read")
})

test('what has not the form of a role file is refused', () => {
  expect(faultsOf({ roles: { support: { permission: ['*'] } }, rolles: {} }).map((line) => line.split(':')[0])).toEqual(
    ['#/roles/support/permission', '#/rolles'],
  )
  expect(faultsOf({ roles: { support: { permissions: ['crate:read', 7, { action: 'read' }] } } })).toHaveLength(2)
  expect(faultsOf('{ "roles": { "a": {}, }')[0]).toMatch(/: is not the JSON of a role file; mend it: .*position \d+/)
  // The second one would hold without a word.
  expect(faultsOf('{ "roles": { "support": {}, "support": {} } }')[0]).toMatch(/not the JSON of a role file/)
  expect(faultsOf('[]')).toHaveLength(1)
  expect(faultsOf({})).toEqual([])
})

test('a file that is not there, and a role in it and in code, are faults', () => {
  expect(() => rbac({ file: join(folder, 'none.json') })).not.toThrow()
  expect(
    faultsOf(
      { roles: { support: {} }, permissionGroups: { looking: ['crate:read'] } },
      {
        roles: { support: {}, helper: { include: ['looking'] } },
      },
    ),
  ).toEqual(['rbac.roles.support: is declared twice; keep one of the two declarations'])
})
