import { always, buildPermissionSet, compareFact, never, numberPermissions } from '@plinth/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareDecisions, compareRights } from './compare-decisions.ts'

const names = ['site:read', 'site:update', 'monitor:read']
const numbers = numberPermissions([
  { name: 'site', verbs: ['read', 'update'] },
  { name: 'monitor', verbs: ['read'] },
])
const set = (...list: string[]): ReturnType<typeof buildPermissionSet>['set'] => buildPermissionSet(numbers, list).set

test('all holds the other scopes; those that differ are told', () => {
  const told = (before: string, after: string): unknown =>
    compareRights(numbers, set(...before.split(' ')), set(...after.split(' ')))
  expect(told('site:read:own', 'site:read')).toEqual({ gained: ['site:read:all'], lost: [] })
  expect(told('site:read', 'site:read:own')).toEqual({ gained: [], lost: ['site:read:all'] })
  expect(told('site:read:own', 'site:read:group')).toEqual({ gained: ['site:read:group'], lost: ['site:read:own'] })
  expect(told('site:read', 'site:read site:read:own')).toEqual({ gained: [], lost: [] })
  expect(told('*:read', 'site:*')).toEqual({ gained: ['site:update:all'], lost: ['monitor:read:all'] })
})

const permission = fc
  .tuple(fc.constantFrom(...names), fc.constantFrom(':all', ':own', ':group'))
  .map((parts) => parts.join(''))
const list = fc.array(permission, { maxLength: 6 })

test('nothing is told exactly where each holds the other; what is gained makes up for what is lost', () => {
  fc.assert(
    fc.property(list, list, (before, after) => {
      const [left, right] = [set(...before), set(...after)]
      const { gained, lost } = compareRights(numbers, left, right)
      expect(gained.length === 0).toBe(right.isWithin(left))
      expect(lost.length === 0).toBe(left.isWithin(right))
      expect(right.isWithin(left.union(set(...gained)))).toBe(true)
      expect(compareRights(numbers, right, left)).toEqual({ gained: lost, lost: gained })
    }),
  )
})

test('decisions of any source are compared as data', () => {
  const own = compareFact('ownerUserId', 'eq', 'userId')
  const before = { condition: (number: number) => [always, own, never][number]! }
  const after = { condition: (number: number) => [never, { ...own }, own][number]! }
  expect(compareDecisions(numbers, before, after)).toEqual([
    { permission: 'site:read', change: 'lost', before: always, after: never },
    { permission: 'monitor:read', change: 'gained', before: never, after: own },
  ])
  const narrowed = { condition: (number: number) => (number === 0 ? own : before.condition(number)) }
  expect(compareDecisions(numbers, before, narrowed)).toMatchObject([{ permission: 'site:read', change: 'changed' }])
  expect(compareDecisions(numbers, set('*'), set('*'))).toEqual([])
})
