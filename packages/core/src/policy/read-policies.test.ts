import { expect, test } from 'vitest'
import { text } from 'drizzle-orm/pg-core'
import { and, compare, compareFact, factIs, isNull, listed, not, type Condition } from '../condition/condition.ts'
import { withFacts } from '../condition/fact-truth.ts'
import type { StartupFault } from '../errors/startup-error.ts'
import { readDeclaration } from '../platform/read-declaration.ts'
import { defineResource } from '../resource/define-resource.ts'
import { resourceTable } from '../table/resource-table.ts'
import { policy, type Policy } from './policy.ts'

const sites = resourceTable('sites', { name: text().notNull(), region: text() })
const monitors = resourceTable('monitors', { label: text().notNull() })
const resources = [defineResource({ table: sites }), defineResource({ table: monitors })]

function read(...policies: readonly Policy[]) {
  const faults: StartupFault[] = []
  const registry = readDeclaration(
    resources,
    [{ name: 'settings', permissions: { setting: ['read'] } }],
    faults,
    undefined,
    { policies },
  )
  const narrowed = [...registry.policies.keys()].map((number) => registry.permissions.names[number]!)
  return { faults: faults.map(({ problem, fix }) => `${problem} | ${fix}`), narrowed: narrowed.sort() }
}
const pro = factIs('tenantPlan', 'eq', 'pro')

test('wildcards narrow each permission that they mean', () => {
  const named = (action: string | readonly string[]) => read(policy({ name: 'p', action, when: pro })).narrowed
  expect(named('site:update')).toEqual(['site:update'])
  expect(named(['site:update', 'monitor:delete'])).toEqual(['monitor:delete', 'site:update'])
  expect(named('*:share')).toEqual(['monitor:share', 'site:share'])
  expect(named('site:*')).toEqual(['site:create', 'site:delete', 'site:read', 'site:share', 'site:update'])
  expect(named('*')).toContain('setting:read')
})

test('everything that is wrong is told at once, with what may have been meant', () => {
  const when = (condition: Condition, action: string | readonly string[] = 'site:update') =>
    policy({ name: Math.random().toString(36), action, when: condition })
  const { faults } = read(
    when(pro, 'site:updaet'),
    when(pro, 'sites:update:all'),
    when(compare('regoin', 'eq', 'eu')),
    when(compare('region', 'eq', 'eu'), '*:delete'),
    when(isNull('region'), 'site:*'),
    when(isNull('region'), 'setting:read'),
    when(not(factIs('tenantPlna' as 'tenantPlan', 'eq', 'pro'))),
    when(factIs('tenantPlan', 'eq', null)),
    when(factIs('role', 'lt', 'admin')),
    when(factIs('secondFactor', 'eq', 'yes')),
    when(and(pro, listed('deny', 'site', 'update', []))),
    policy({ name: ' ', action: 'site:update', when: pro }),
    policy({ name: 'twice', action: 'site:update', when: pro }),
    policy({ name: 'twice', action: 'site:read', when: pro }),
  )
  for (const words of [
    "'site:updaet' is no action | nearest: site:update",
    "'sites:update:all' is no action",
    "'regoin' is no field of site | nearest: region",
    "'region' is no field of monitor",
    "asks site:create for 'region' of a row that is not there yet",
    "setting is about no rows, and has no field 'region'",
    "'tenantPlna' is no fact | nearest: tenantPlan",
    'compares tenantPlan with null',
    'of role there may be several',
    'secondFactor is true or false',
    'asks the ACL',
    'has no usable name',
    'is given twice',
  ])
    expect(
      faults.filter((fault) => fault.startsWith(words)),
      words,
    ).toHaveLength(1)
  expect(faults).toHaveLength(13)
})

test('owners may be asked of a new row', () => {
  expect(
    read(policy({ name: 'p', action: 'site:create', when: compareFact('ownerUserId', 'eq', 'userId') })).faults,
  ).toEqual([])
})

test('what is not known admits nobody, also where it is denied', () => {
  const facts = { principalId: 's', userId: null, groupIds: [] }
  expect(withFacts(pro, facts).kind).toBe('never')
  expect(withFacts(not(pro), facts).kind).toBe('never')
  expect(withFacts(not(not(pro)), facts).kind).toBe('never')
  expect(withFacts(factIs('group', 'ne', 'g'), facts).kind).toBe('always')
})
