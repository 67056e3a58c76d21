import { expect, test } from 'vitest'
import { holds } from '../condition/holds.ts'
import { buildPermissionSet, numberPermissions } from './permission-set.ts'

const numbers = numberPermissions([
  { name: 'site', verbs: ['read', 'create', 'update', 'delete', 'archive'] },
  { name: 'monitor', verbs: ['read', 'create', 'update', 'delete'] },
])
const kindOf = (permissions: readonly string[], model: string, action: string): string =>
  buildPermissionSet(numbers, permissions).set.condition(numbers.numberOf(model, action)!).kind

test('nothing is allowed until something allows it', () => {
  expect(kindOf([], 'site', 'read')).toBe('never')
  expect(kindOf(['site:read'], 'site', 'update')).toBe('never')
  expect(kindOf(['site:read'], 'monitor', 'read')).toBe('never')
})

test('wildcards mean every model or action there is', () => {
  expect(kindOf(['*'], 'monitor', 'delete')).toBe('always')
  expect(kindOf(['site:*'], 'site', 'archive')).toBe('always')
  expect(kindOf(['site:*'], 'monitor', 'read')).toBe('never')
  expect(kindOf(['*:read'], 'monitor', 'read')).toBe('always')
})

test('scopes add up, and all wins', () => {
  expect(kindOf(['site:update:own'], 'site', 'update')).toBe('compare')
  expect(kindOf(['site:update:own', 'site:update:group'], 'site', 'update')).toBe('or')
  expect(kindOf(['site:update:own', 'site:update'], 'site', 'update')).toBe('always')
})

test('own is nobody for a principal without a user', () => {
  const own = buildPermissionSet(numbers, ['site:read:own']).set.condition(numbers.numberOf('site', 'read')!)
  const row = { value: () => null, kind: () => 'text' as const }
  expect(holds(own, row, { principalId: 's', userId: null, groupIds: [] })).toBeNull()
})

test.each(['site:raed', 'sites:read', 'site:read:mine', 'site:read:own:more', '', 'site:', ':read'])(
  '%j is reported as unknown',
  (text) => {
    expect(buildPermissionSet(numbers, [text]).unknown).toEqual([text])
  },
)
