import { formatPermission, scopes, type Permission } from '@plinth/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkPermission } from './check-permission.ts'
import { canonicalText, formatAclName, formatActionOnResource, readPermission } from './spelling.ts'

const word = fc.oneof(fc.stringMatching(/^[a-z][A-Za-z0-9]{0,12}$/), fc.constant('*'))
const permission: fc.Arbitrary<Permission> = fc.record({
  model: fc.oneof(word, fc.constant('employee.salary')),
  action: word,
  scope: fc.constantFrom(...scopes),
})

describe('a permission', () => {
  test('is the same in every spelling, there and back', () => {
    fc.assert(
      fc.property(permission, (given) => {
        for (const written of [formatPermission(given), formatActionOnResource(given), given])
          expect(readPermission(written)).toEqual(given)
        const acl = formatAclName(given)
        expect(acl === undefined).toBe(given.scope !== 'all')
        if (acl !== undefined) expect(readPermission(acl)).toEqual(given)
      }),
    )
  })

  test.each([
    ['Site.update', 'site:update:all'],
    ['*.read', '*:read:all'],
    ['User.*', 'user:*:all'],
    ['Employee.salary.read', 'employee.salary:read:all'],
    ['employee.salary', 'employee.salary:*:all'],
    ['employee.salary:read:own', 'employee.salary:read:own'],
    [{ action: '*', resource: '*' }, '*:*:all'],
    [{ action: 'create', resource: 'jobs' }, 'jobs:create:all'],
    [{ model: 'site', action: 'update', scope: 'own' }, 'site:update:own'],
    ['*', '*:*:all'],
  ] as const)('%o is %s', (written, text) => {
    const read = readPermission(written)
    expect(read && formatPermission(read)).toBe(text)
  })

  test.each([
    '',
    'a:b:c',
    'Site.',
    'site:update:mine',
    null,
    7,
    [],
    {},
    { action: 'read' },
    { action: '', resource: 'site' },
    { action: 'read', resource: 'site', scope: 'some' },
    { action: 'read', resource: 'site:own' },
    // A key that is not read may have been meant as a condition.
    { action: 'read', resource: 'site', model: 'site' },
    { action: 'read', resource: 'site', effect: 'deny' },
  ])('%o is none', (written) => expect(readPermission(written)).toBeUndefined())

  test('stays to the letter in the usual spelling, and is in three parts in any other', () => {
    const name = (given: string): string => (given === 'api_keys' ? 'apiKey' : given.toLowerCase())
    expect(canonicalText('site:update', name)).toBe('site:update')
    expect(canonicalText('Site.update', name)).toBe('site:update:all')
    expect(canonicalText({ action: 'read', resource: 'api_keys' }, name)).toBe('apiKey:read:all')
    expect(canonicalText('site:update:mine', name)).toBeUndefined()
  })
})

describe('checkPermission', () => {
  const developer = {
    role: 'developer',
    permissions: [
      { action: 'read', resource: '*' },
      { action: 'create', resource: 'jobs' },
      'sites:update:own',
      'Site.publish',
    ],
  }
  test.each([
    ['read', 'anything', true],
    ['create', 'jobs', true],
    ['delete', 'jobs', false],
    ['create', 'api_keys', false],
    ['update', 'sites', false],
    ['publish', 'site', true],
    ['read', 'employee.salary', false],
  ])('%s %s: %s', (action, resource, may) => {
    expect(checkPermission('developer', action, resource, developer)).toBe(may)
  })

  test('asks in a scope', () => {
    expect(checkPermission('developer', 'update', 'sites', developer, 'own')).toBe(true)
    expect(checkPermission('developer', 'update', 'sites', developer, 'group')).toBe(false)
    expect(checkPermission('developer', 'read', 'sites', developer, 'own')).toBe(true)
  })

  test('of no policy, another role’s or a broken one is no', () => {
    expect(checkPermission('emperor', 'read', 'sites', undefined)).toBe(false)
    expect(checkPermission('admin', 'read', 'sites', developer)).toBe(false)
    const broken = { permissions: [{ action: '*' }, null, '*:*:*:*'] } as unknown as typeof developer
    expect(checkPermission('developer', 'read', 'sites', broken)).toBe(false)
    expect(checkPermission('admin', 'delete', 'x', { permissions: [{ action: '*', resource: '*' }] })).toBe(true)
  })
})
