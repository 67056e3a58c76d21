import fc from 'fast-check'
import { expect, test } from 'vitest'
import { holds } from '../condition/holds.ts'
import { buildPermissionSet, numberPermissions, type PermissionSet } from './permission-set.ts'

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

const setOf = (...permissions: readonly string[]): PermissionSet => buildPermissionSet(numbers, permissions).set

test('a scope beside all changes nothing', () => {
  expect(setOf('site:read', 'site:read:own').isWithin(setOf('site:read'))).toBe(true)
  expect(setOf('site:read').isWithin(setOf('site:read', 'site:read:own'))).toBe(true)
  expect(setOf('site:read').isWithin(setOf('site:read:own', 'site:read:group'))).toBe(false)
  const both = setOf('site:read', 'site:read:own').within(setOf('site:read:own'))
  expect(both.scopes(numbers.numberOf('site', 'read')!)).toEqual(['own'])
})

/*
 * The oracle knows nothing of masks: a permission admits rows of some kinds, and a set of permissions the union of them. What a
 * principal may do is a set of (model:action, kind of row); "within" and "union" are those of sets. A row of the caller's own and of
 * his group at once is a kind of its own: there `own` and `group` meet, and whoever narrows one by the other may leave it out but
 * may never let more through than both do.
 */
const kinds = ['own', 'group', 'both', 'foreign'] as const
const admits: Readonly<Record<string, readonly string[]>> = {
  all: kinds,
  own: ['own', 'both'],
  group: ['group', 'both'],
}
function oracle(permissions: readonly string[]): ReadonlySet<string> {
  const admitted = permissions.flatMap((text) => {
    const [model = '*', action = '*', scope = 'all'] = text.split(':')
    return numbers.names
      .filter((name) => model === '*' || name.startsWith(`${model}:`))
      .filter((name) => action === '*' || name.endsWith(`:${action}`))
      .flatMap((name) => admits[scope]!.map((kind) => `${name} ${kind}`))
  })
  return new Set(admitted)
}
const user = 'u'
const rows: Readonly<Record<(typeof kinds)[number], Readonly<Record<string, string>>>> = {
  own: { ownerUserId: user, ownerGroupId: 'other' },
  group: { ownerUserId: 'other', ownerGroupId: 'g' },
  both: { ownerUserId: user, ownerGroupId: 'g' },
  foreign: { ownerUserId: 'other', ownerGroupId: 'other' },
}
const facts = { principalId: user, userId: user, groupIds: ['g'] }
function admittedBy(set: PermissionSet): ReadonlySet<string> {
  return new Set(
    numbers.names.flatMap((name, number) =>
      kinds
        .filter((kind) => {
          const row = { value: (field: string) => rows[kind][field] ?? null, kind: () => 'text' as const }
          return holds(set.condition(number), row, facts) === true
        })
        .map((kind) => `${name} ${kind}`),
    ),
  )
}
const permission = fc
  .tuple(
    fc.constantFrom('site', 'monitor', '*'),
    fc.constantFrom('read', 'create', 'update', 'delete', 'archive', '*'),
    fc.constantFrom('', ':all', ':own', ':group'),
  )
  .map(([model, action, scope]) => `${model}:${action}${scope}`)
const subset = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  [...one].every((row) => other.has(row))
const role = fc.array(permission, { maxLength: 6 })

test('random roles admit what an oracle of plain sets says', () => {
  fc.assert(
    fc.property(role, role, (left, right) => {
      const [one, other] = [setOf(...left), setOf(...right)]
      const [mine, theirs] = [oracle(left), oracle(right)]
      expect(admittedBy(one)).toEqual(mine)
      expect(admittedBy(one.union(other))).toEqual(new Set([...mine, ...theirs]))
      expect(one.isWithin(other)).toBe(subset(mine, theirs))
      const narrowed = admittedBy(one.within(other))
      const both = new Set([...mine].filter((row) => theirs.has(row)))
      expect(subset(narrowed, both)).toBe(true)
      // Nothing is lost but rows that one side admits as own and the other as the group's.
      for (const row of both) if (!row.endsWith(' both')) expect(narrowed).toContain(row)
      expect(one.within(other).isWithin(one)).toBe(true)
      expect(one.within(other).isWithin(other)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})
