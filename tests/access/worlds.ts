import fc from 'fast-check'
import type { Entry, Grant, Policy, Row, World } from './oracle.ts'

export const MODEL = 'paper'
/** The field that not everybody reads. */
export const FIELD = 'paper.remark'
export const ACTIONS = ['read', 'update', 'delete', 'archive'] as const
export const STATUSES = ['draft', 'live', 'shut'] as const
export const PEOPLE = 3
export const GROUPS = 2
export const ROLES = ['clerk', 'editor', 'auditor', 'boss'] as const
/** Of the product, and above every list. */
export const ALWAYS = 'rescue'
export const ROWS = 8

const action = fc.constantFrom(...ACTIONS, '*')
const target = fc.oneof(
  { weight: 6, arbitrary: fc.record({ model: fc.constant(MODEL), action }) },
  { weight: 2, arbitrary: fc.record({ model: fc.constant(FIELD), action: fc.constantFrom('read', 'update') }) },
  { weight: 1, arbitrary: fc.record({ model: fc.constant('*'), action: fc.constantFrom('read', 'update', '*') }) },
)
const grant: fc.Arbitrary<Grant> = fc
  .tuple(target, fc.constantFrom('all', 'group', 'own', 'own', 'group'))
  .map(([of, scope]) => ({ ...of, scope }) as Grant)

const subject = fc.oneof(
  fc.nat({ max: PEOPLE - 1 }).map((person) => `user:${person}`),
  fc.nat({ max: GROUPS - 1 }).map((group) => `group:${group}`),
  fc.constantFrom(...ROLES).map((role) => `role:${role}`),
)
const listed = fc.oneof(
  { weight: 4, arbitrary: fc.record({ model: fc.constant(MODEL), action }) },
  { weight: 1, arbitrary: fc.record({ model: fc.constant(FIELD), action: fc.constantFrom('read', 'update') }) },
)
const entry: fc.Arbitrary<Entry> = fc
  .tuple(listed, fc.option(fc.nat({ max: ROWS - 1 }), { freq: 5 }), subject, fc.constantFrom('allow', 'allow', 'deny'))
  .map(([of, at, whose, effect]) => ({ ...of, row: at, subject: whose, effect }) as Entry)

const value = fc.oneof(
  fc.record({
    field: fc.constant('status'),
    op: fc.constantFrom('eq', 'ne'),
    value: fc.constantFrom(...STATUSES),
  }),
  fc.record({ field: fc.constant('amount'), op: fc.constantFrom('lt', 'gte'), value: fc.nat({ max: 4 }) }),
)
export const policy: fc.Arbitrary<Policy> = fc.tuple(target, value).map(([of, rule]) => ({ ...of, ...rule }) as Policy)

export const row: fc.Arbitrary<Row> = fc.record({
  owner: fc.option(fc.nat({ max: PEOPLE - 1 }), { freq: 5 }),
  group: fc.option(fc.nat({ max: GROUPS - 1 }), { freq: 3 }),
  status: fc.constantFrom(...STATUSES),
  amount: fc.option(fc.nat({ max: 4 }), { freq: 4 }),
})

const some = fc.subarray([...ROLES], { maxLength: 2 })
const roles = fc
  .tuple(...ROLES.map(() => fc.array(grant, { maxLength: 4 })))
  .map((lists) => Object.fromEntries(ROLES.map((name, at) => [name, lists[at]!])))

/** Sets of roles, lists, policies and rows. `policies` are code: over HTTP they are the same for many worlds. */
export function worlds(
  policies: fc.Arbitrary<readonly Policy[]> = fc.array(policy, { maxLength: 2 }),
): fc.Arbitrary<World> {
  return fc.record({
    people: fc.array(
      fc.record({
        groups: fc.subarray(Array.from({ length: GROUPS }, (_, at) => at)),
        roles: fc
          .tuple(some, fc.nat({ max: 11 }))
          .map(([names, rare]): readonly string[] => (rare === 0 ? [...names, ALWAYS] : names)),
      }),
      { minLength: PEOPLE, maxLength: PEOPLE },
    ),
    rolesOfGroups: fc.array(fc.subarray([...ROLES], { maxLength: 1 }), { minLength: GROUPS, maxLength: GROUPS }),
    roles,
    alwaysAllow: fc.constant([ALWAYS]),
    entries: fc.array(entry, { maxLength: 6 }),
    policies,
    rows: fc.array(row, { minLength: ROWS, maxLength: ROWS }),
  })
}
