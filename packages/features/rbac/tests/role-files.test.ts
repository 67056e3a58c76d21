import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StartupError } from '@plinth/core'
import { rbac, type Rbac } from '@plinth/rbac'
import { capturedLog, depot, testPlatform, type TestPlatform } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'plinth-roles-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
function write(content: unknown): string {
  const path = join(folder, `rbac-${(count += 1)}.json`)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const config = {
  $schema: '../node_modules/@plinth/rbac/rbac.schema.json',
  permissionGroups: { looking: ['crate:read', 'Folder.read'] },
  roles: { support: { description: 'Helps', include: ['looking'], permissions: ['crate:update:group'] } },
  tenantRoles: {
    packer: { description: 'Packs', include: ['looking'], permissions: [{ action: 'seal', resource: 'crates' }] },
    filer: { permissions: ['folder:*:own'] },
  },
}

describe.each(['postgres', 'pglite'] as const)('roles of a file on %s', (kind) => {
  let platform: TestPlatform
  let feature: Rbac
  const log = capturedLog()
  beforeAll(async () => {
    feature = rbac({ file: write(config), tenantRoles: { clerk: { permissions: ['crate:read'] } } })
    platform = await testPlatform({ kind, resources: depot, features: [feature], pool: 8, plinth: { log } })
  }, 60_000)
  afterAll(() => platform.close())

  const stored = async (tenant: string): Promise<Readonly<Record<string, unknown>>> => {
    const rows = await platform.superuser.query(
      `select name, description, permissions::text as permissions, version from plinth.roles where tenant_id = $1::uuid order by name`,
      [tenant],
    )
    return Object.fromEntries(rows.map((row) => [String(row['name']), JSON.parse(String(row['permissions']))]))
  }
  const versions = (tenant: string): Promise<unknown> =>
    platform.superuser.query(`select name, version from plinth.roles where tenant_id = $1::uuid order by name`, [
      tenant,
    ])
  const packer = ['crate:read', 'folder:read:all', 'crate:seal:all']

  test('those of the product are built in, those of tenants are there from the beginning', async () => {
    const tenant = await platform.plinth.foundTenant({ slug: 'newcomer', name: 'Newcomer' })
    expect(await stored(tenant.id)).toEqual({ clerk: ['crate:read'], filer: ['folder:*:own'], packer })
    const list = await platform.request(platform.a.actors.full, 'GET', '/api/v1/roles?name=support')
    expect(list.json).toMatchObject({
      data: [{ name: 'support', builtIn: true, permissions: ['crate:read', 'folder:read:all', 'crate:update:group'] }],
    })
  })

  test('who was there before gets what he lacks, and keeps what he has', async () => {
    const tenant = platform.a.id
    await platform.superuser.query(`delete from plinth.roles where tenant_id = $1::uuid and name <> 'filer'`, [tenant])
    await feature.updateRolePolicy(tenant, 'filer', ['folder:read'])
    expect(await feature.createDefaultPolicies(platform.a.slug)).toEqual([
      { role: 'clerk', change: 'create', added: ['crate:read'], removed: [] },
      { role: 'filer', change: 'keep', added: [], removed: [] },
      { role: 'packer', change: 'create', added: packer, removed: [] },
    ])
    expect(await stored(tenant)).toEqual({ clerk: ['crate:read'], filer: ['folder:read'], packer })
    expect(log.of('role_policy_updated')).toMatchObject([{ level: 'info', fields: { role: 'filer' } }])
    expect(log.of('default_rbac_policies_created')).toMatchObject([{ fields: { roles: ['clerk', 'packer'] } }])
    const before = await versions(tenant)
    expect((await feature.createDefaultPolicies(tenant)).map(({ change }) => change)).toEqual(['keep', 'keep', 'keep'])
    expect(await versions(tenant)).toEqual(before)
  })

  test('twenty at once make one result and no error', { timeout: 60_000 }, async () => {
    const tenant = platform.b.id
    await platform.superuser.query(`delete from plinth.roles where tenant_id = $1::uuid`, [tenant])
    const seeded = await Promise.all(Array.from({ length: 20 }, () => feature.createDefaultPolicies(tenant)))
    expect(seeded.flat().filter(({ change }) => change === 'create')).toHaveLength(3)
    expect(await stored(tenant)).toEqual({ clerk: ['crate:read'], filer: ['folder:*:own'], packer })
    const updated = await Promise.all(
      Array.from({ length: 20 }, () => feature.updateRolePolicy(tenant, 'fresh', ['crate:read'])),
    )
    expect(updated.filter(({ change }) => change === 'create')).toHaveLength(1)
    expect(updated.filter(({ change }) => change === 'keep')).toHaveLength(19)
    // Beside those who make the same role over HTTP, which knows no such hold.
    const mixed = await Promise.all([
      ...Array.from({ length: 10 }, () => feature.updateRolePolicy(tenant, 'mixed', ['crate:read'])),
      ...Array.from({ length: 10 }, () =>
        platform.request(platform.b.actors.full, 'POST', '/api/v1/roles', {
          name: 'mixed',
          permissions: ['crate:read'],
        }),
      ),
    ])
    expect(mixed).toHaveLength(20)
    expect(await stored(tenant)).toMatchObject({ mixed: ['crate:read'] })
  })

  test('a role is made, changed and left; what there is not is named', async () => {
    const tenant = platform.b.slug
    const policy = [{ action: 'read', resource: 'crates' }, 'Crate.seal']
    expect(await feature.updateRolePolicy(tenant, 'worker', policy)).toEqual({
      role: 'worker',
      change: 'create',
      added: ['crate:read:all', 'crate:seal:all'],
      removed: [],
    })
    expect(await feature.updateRolePolicy(tenant, 'worker', ['crate:read:all', 'folder:read'])).toEqual({
      role: 'worker',
      change: 'update',
      added: ['folder:read'],
      removed: ['crate:seal:all'],
    })
    await expect(feature.updateRolePolicy(tenant, 'worker', ['crat:read', 'crate:read'])).rejects.toMatchObject({
      code: 'validation_failed',
      errors: [{ path: '/permissions/0', code: 'unknown_permission' }],
    })
    for (const role of ['admin', 'support', 'superadmin'])
      await expect(feature.updateRolePolicy(tenant, role, [])).rejects.toMatchObject({ errors: [{ code: 'reserved' }] })
    await expect(feature.updateRolePolicy(tenant, 'No Name', [])).rejects.toMatchObject({ code: 'validation_failed' })
    await expect(feature.updateRolePolicy('nowhere', 'worker', [])).rejects.toMatchObject({ code: 'not_found' })
  })

  const command = (name: string, given: Readonly<Record<string, string | boolean>>): Promise<unknown> =>
    platform.plinth.commands
      .find((one) => one.name === name)!
      .run(given, { note: () => undefined, ask: () => Promise.resolve(undefined) })

  test('rbac:apply says what it would do, and does it all or not at all', async () => {
    const tenant = platform.b.id
    await feature.updateRolePolicy(tenant, 'loader', ['crate:read', 'folder:read'])
    const before = await stored(tenant)
    const file = write({
      tenantRoles: { loader: { permissions: ['crate:read', 'crate:seal'] }, mover: { permissions: [] } },
    })
    const plan = { loader: 'updated +crate:seal -folder:read', mover: 'created' }
    expect(await command('rbac:apply', { file, tenant, 'dry-run': true })).toEqual({ ...plan, written: false })
    expect(await stored(tenant)).toEqual(before)
    expect(await command('rbac:apply', { file, tenant })).toEqual(plan)
    expect(await stored(tenant)).toEqual({ ...before, loader: ['crate:read', 'crate:seal'], mover: [] })
    expect(await command('rbac:apply', { file, tenant })).toEqual({ loader: 'unchanged', mover: 'unchanged' })
    // The second one is refused by the database: the first one is not there either.
    await platform.superuser.query(`alter table plinth.roles add constraint no_second check (name <> 'second')`)
    const broken = write({ tenantRoles: { first: { permissions: [] }, second: { permissions: [] } } })
    await expect(command('rbac:apply', { file: broken, tenant })).rejects.toMatchObject({ code: 'validation_failed' })
    expect(await stored(tenant)).not.toHaveProperty('first')
    await platform.superuser.query(`alter table plinth.roles drop constraint no_second`)
    const wrong = write({ tenantRoles: { admin: {}, support: {}, mover: { permissions: ['crat:read'] } } })
    await expect(command('rbac:apply', { file: wrong, tenant })).rejects.toThrow(StartupError)
    await expect(command('rbac:apply', { file: write({ roles: {} }), tenant })).rejects.toThrow(/has no tenantRoles/)
    const taken = write({ tenantRoles: { support: { permissions: [] } } })
    await expect(command('rbac:apply', { file: taken, tenant })).rejects.toMatchObject({
      errors: [{ code: 'reserved' }],
    })
  })

  test('rbac:seed gives a tenant what tenants begin with', async () => {
    await platform.superuser.query(`delete from plinth.roles where tenant_id = $1::uuid and name = 'packer'`, [
      platform.b.id,
    ])
    expect(await command('rbac:seed', { tenant: platform.b.id })).toMatchObject({
      packer: `created ${packer.map((one) => `+${one}`).join(' ')}`,
      filer: 'unchanged',
    })
  })
})
