import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compare, type Condition } from '../condition/condition.ts'
import { holds } from '../condition/holds.ts'
import { settledBy } from '../condition/settle-listed.ts'
import { aclMasks, type AclEntry, type AclSaying } from './acl.ts'
import { Decisions, nowhereAlways, type AlwaysAllowed, type Bearer } from './decisions.ts'
import { buildPermissionSet, numberPermissions } from './permission-set.ts'
import { visibleTo } from './visible-to.ts'

const numbers = numberPermissions([
  { name: 'site', verbs: ['read', 'create', 'update', 'share'] },
  { name: 'monitor', verbs: ['read', 'update'] },
])
const user = 'u'
const facts = { principalId: user, userId: user, groupIds: ['g'] }
const rows = [
  { id: '1', ownerUserId: user, ownerGroupId: 'other' },
  { id: '2', ownerUserId: 'other', ownerGroupId: 'g' },
  { id: '3', ownerUserId: user, ownerGroupId: 'g' },
  { id: '4', ownerUserId: 'other', ownerGroupId: 'other' },
] as const
type Row = (typeof rows)[number]

interface Given {
  readonly permissions: readonly string[]
  readonly entries: readonly AclEntry[]
  readonly subjects: readonly string[]
  readonly always: AlwaysAllowed
}

/** As the database would sum them up. */
function summary(entries: readonly AclEntry[], subjects: readonly string[]): readonly AclSaying[] {
  return entries
    .filter(({ subject }) => subjects.includes(subject))
    .map(({ subject, model, action, effect, recordId }) => ({
      subject,
      model,
      action,
      effect,
      everything: recordId === null,
    }))
}

const bearer = ({ permissions, entries, subjects, always }: Given): Bearer => ({
  roles: buildPermissionSet(numbers, permissions).set,
  acl: aclMasks(numbers, summary(entries, subjects)),
  subjects,
  always,
})

function admitsRow(condition: Condition, entries: readonly AclEntry[], row: Row): boolean {
  const read = { value: (field: string) => row[field as keyof Row] ?? null, kind: () => 'text' as const }
  return holds(settledBy(condition, entries), read, facts) === true
}

/** The order of decision, row by row and in words, without a condition anywhere. */
function oracle({ permissions, entries, subjects, always }: Given, model: string, action: string, row: Row): boolean {
  if (always === 'everything' || always.has(model)) return true
  const said = (effect: 'allow' | 'deny'): boolean =>
    entries.some(
      (entry) =>
        subjects.includes(entry.subject) &&
        entry.effect === effect &&
        entry.model === model &&
        (entry.action === '*' || entry.action === action) &&
        (entry.recordId === null || (entry.recordId === row.id && action !== 'create')),
    )
  if (said('deny')) return false
  const held = permissions.some((text) => {
    const [ofModel = '*', ofAction = '*', scope = 'all'] = text.split(':')
    if (ofModel !== '*' && ofModel !== model) return false
    if (ofAction !== '*' && ofAction !== action) return false
    return scope === 'all' || (scope === 'own' ? row.ownerUserId === user : row.ownerGroupId === 'g')
  })
  return held || said('allow')
}

const permission = fc
  .tuple(
    fc.constantFrom('site', 'monitor', '*'),
    fc.constantFrom('read', 'create', 'update', '*'),
    fc.constantFrom('', ':own', ':group'),
  )
  .map(([model, action, scope]) => `${model}:${action}${scope}`)
const entry = fc.record({
  id: fc.constant('e'),
  model: fc.constantFrom('site', 'monitor', 'gone'),
  action: fc.constantFrom('read', 'create', 'update', 'share', '*', 'gone'),
  recordId: fc.constantFrom(null, '1', '2', '3', '4'),
  subject: fc.constantFrom('user:u', 'role:r', 'apiKey:k', 'user:other'),
  effect: fc.constantFrom('allow' as const, 'deny' as const),
})
const given = fc.record({
  permissions: fc.array(permission, { maxLength: 4 }),
  subjects: fc.subarray(['user:u', 'role:r', 'apiKey:k']),
  always: fc.oneof(
    { weight: 6, arbitrary: fc.constant(nowhereAlways) },
    { weight: 1, arbitrary: fc.constant<AlwaysAllowed>('everything') },
    { weight: 1, arbitrary: fc.constant<AlwaysAllowed>(new Set(['site'])) },
  ),
})

test('random roles and entries decide every row as an oracle does, for one bearer and for a key of it', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), given, given, (entries, one, other) => {
      const [member, key] = [
        { ...one, entries },
        { ...other, entries },
      ]
      const alone = new Decisions(numbers, [bearer(member)])
      const both = new Decisions(numbers, [bearer(key), bearer(member)])
      for (const [number, name] of numbers.names.entries()) {
        const [model = '', action = ''] = name.split(':')
        for (const row of rows) {
          const expected = oracle(member, model, action, row)
          expect(admitsRow(alone.condition(number), entries, row), `${name} ${row.id}`).toBe(expected)
          expect(admitsRow(both.condition(number), entries, row), `key ${name} ${row.id}`).toBe(
            expected && oracle(key, model, action, row),
          )
        }
        expect(alone.condition(number)).toBe(alone.condition(number))
        if (alone.everywhere(number)) for (const row of rows) expect(oracle(member, model, action, row)).toBe(true)
        if (!alone.holds(number)) for (const row of rows) expect(oracle(member, model, action, row)).toBe(false)
      }
    }),
    { numRuns: 800 },
  )
})

test('what reading is denied is not seen by way of another right', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), given, (entries, one) => {
      const member = { ...one, entries }
      const decisions = new Decisions(numbers, [bearer(member)])
      const [reading, updating] = [numbers.numberOf('site', 'read')!, numbers.numberOf('site', 'update')!]
      const visible = visibleTo(decisions, reading, decisions.condition(updating))
      const mayRead = rows.filter((row) => oracle(member, 'site', 'read', row))
      for (const row of rows) {
        const denied = !oracle({ ...member, permissions: ['*'] }, 'site', 'read', row)
        const seen = admitsRow(visible, entries, row)
        if (denied) expect(seen, row.id).toBe(false)
        if (seen && decisions.holds(reading)) expect(mayRead).toContain(row)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('policies take away from everybody, also from who is always allowed', () => {
  const live = compare('status', 'eq', 'live')
  const all = { permissions: ['*'], entries: [], subjects: [], always: 'everything' } as const
  const decisions = new Decisions(numbers, [bearer(all)], (number) => (number === 0 ? live : { kind: 'always' }))
  expect(decisions.condition(0)).toEqual(live)
  expect(decisions.narrowing(0)).toEqual(live)
  expect(decisions.everywhere(0)).toBe(false)
  expect(decisions.everywhere(1)).toBe(true)
  expect(decisions.condition(99).kind).toBe('never')
})

test('what is denied altogether cannot be given by a role, what is denied on one row can', () => {
  const entries = [
    { id: 'a', model: 'site', action: 'update', recordId: null, subject: 'user:u', effect: 'deny' as const },
    { id: 'b', model: 'site', action: 'read', recordId: '1', subject: 'user:u', effect: 'deny' as const },
    { id: 'c', model: 'monitor', action: 'update', recordId: null, subject: 'user:u', effect: 'allow' as const },
  ]
  const own = { permissions: ['site:*', 'monitor:read'], entries, subjects: ['user:u'], always: nowhereAlways }
  const decisions = new Decisions(numbers, [bearer(own)])
  const may = (text: string): boolean => buildPermissionSet(numbers, [text]).set.isWithin(decisions)
  expect(['site:read', 'site:create', 'site:update', 'site:update:own', 'monitor:update'].map(may)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ])
})
