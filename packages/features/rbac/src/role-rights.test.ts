import { buildPermissionSet, numberPermissions, PermissionSet } from '@plinth/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RoleRights, readPermissions } from './role-rights.ts'

const names = ['site', 'monitor'].flatMap((model) =>
  ['read', 'update', 'archive'].map((action) => `${model}:${action}`),
)
const numbers = numberPermissions(['site', 'monitor'].map((name) => ({ name, verbs: ['read', 'update', 'archive'] })))
const builtIn = [
  { name: 'owner', permissions: ['*'] },
  { name: 'developer', permissions: ['*:read', 'site:update'] },
  { name: 'user', permissions: ['site:update:own', 'site:read:own'] },
].map((role) => ({
  ...role,
  description: null,
  always: new Set<string>(),
  set: buildPermissionSet(numbers, role.permissions).set,
}))

const permission = fc
  .tuple(
    fc.constantFrom('site', 'monitor', '*', 'gone'),
    fc.constantFrom('read', 'update', 'archive', '*', 'gone'),
    fc.constantFrom('', ':all', ':own', ':group'),
  )
  .map((parts) => `${parts[0]}:${parts[1]}${parts[2]}`)
const tenantRoles = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.array(permission, { maxLength: 5 }))
const held = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'owner', 'developer', 'user', 'ghost'), { maxLength: 4 })

/** What the roles allow, found name by name: for every permission the scopes in which some role grants it. */
function oracle(roles: readonly string[], stored: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const lists = roles.map((role) => builtIn.find((one) => one.name === role)?.permissions ?? stored[role] ?? [])
  return names.flatMap((name) =>
    ['all', 'group', 'own'].flatMap((scope) =>
      lists.flat().some((text) => {
        const [model = '*', action = '*', its = 'all'] = text.split(':')
        const [ownModel, ownAction] = name.split(':')
        return [ownModel, '*'].includes(model) && [ownAction, '*'].includes(action) && its === scope
      })
        ? [`${name}:${scope}`]
        : [],
    ),
  )
}
const told = (set: PermissionSet): readonly string[] =>
  names.flatMap((name, number) =>
    ['all', 'group', 'own']
      .filter((scope) => set.scopes(number).includes(scope as 'all'))
      .map((scope) => `${name}:${scope}`),
  )

test('random roles of a tenant, together and one after the other, are what an oracle says', async () => {
  const rights = new RoleRights(numbers, builtIn)
  await fc.assert(
    fc.asyncProperty(tenantRoles, held, async (stored, roles) => {
      const port = rights.port((_tenant, role) => {
        const list = stored[role]
        return Promise.resolve(list && JSON.stringify(list))
      })
      expect(told(await port.permissionsOf('t', roles))).toEqual(oracle(roles, stored))
      expect(await port.unknown('t', roles)).toEqual(
        roles.filter((role) => stored[role] === undefined && !builtIn.some((one) => one.name === role)),
      )
      expect([...port.rank(roles)].sort()).toEqual([...roles].sort())
    }),
    { numRuns: 2_000 },
  )
})

test('built-in roles ask nobody; the same roles are the same set', async () => {
  const rights = new RoleRights(numbers, builtIn)
  const port = rights.port(() => Promise.reject(new Error('asked')))
  const set = port.permissionsOf('t', ['developer', 'user'])
  expect(set).toBeInstanceOf(PermissionSet)
  expect(port.permissionsOf('u', ['developer', 'user'])).toBe(set)
  expect(port.rank(['ghost', 'user', 'owner', 'editor'])).toEqual(['owner', 'editor', 'ghost', 'user'])
  await expect(port.permissionsOf('t', ['editor'])).rejects.toThrow('asked')
})

test('what is stored and is no list gives nothing', () => {
  expect(readPermissions({ 'site:read': true })).toEqual([])
  expect(readPermissions('*')).toEqual([])
  expect(readPermissions(['*', 1, null, ['*']])).toEqual(['*'])
})
