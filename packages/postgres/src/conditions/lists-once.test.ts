import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import {
  always,
  inGroups,
  oneOf,
  or,
  type Condition,
  type ListedCondition,
  type ResourceInfo,
  type Scalar,
} from '@plinth/core'
import { attach, openServer, samples, scopeOf, type Opened } from '../../tests/fixture.ts'
import { printAclEntries } from '../statements/acl-entries.ts'
import { printDeleteMany } from '../statements/many.ts'
import { printRelated } from '../statements/related.ts'
import { printCount } from '../statements/read.ts'
import { tableOf, TextCache, type Printing } from '../statements/printing.ts'
import { compileRecords } from '../statements/records.ts'
import type { Printed } from '../statements/statement.ts'

/*
 * A list is read once for a statement and not once for each row that it is compared with. On tables without statistics: there the
 * planner meets lists in filters that it would otherwise look up by an index.
 */

const tenantId = '0190a000-0000-7000-8000-00000000000a'
const ids = Array.from({ length: 20 }, (_, at) => `0190d000-0000-7000-8000-${String(at).padStart(12, '0')}`)
const scope = scopeOf(tenantId, { facts: { principalId: 'ann', userId: 'ann', groupIds: ids } })

let opened: Opened
let sample: ResourceInfo
let printing: Printing
beforeAll(async () => {
  opened = await openServer(inject('postgresUrl'))
  await opened.makeTables(tenantId)
  const { resource, registry } = attach(opened.drivers)
  sample = resource(samples)
  printing = {
    records: compileRecords(registry, false, []),
    events: registry.events,
    withFacts: false,
    texts: new TextCache(),
    tableOf: tableOf('shared'),
    entriesGone: () => '',
  }
})
afterAll(() => opened.close())

/** The plan that is kept for any values: what is computed once is a parameter in it, what is computed for each row a cast of one. */
function planOf({ text, parameters }: Printed): Promise<string> {
  return opened.owner.transaction(async (connection) => {
    await connection.query(`set local plan_cache_mode = force_generic_plan`)
    await connection.query(`prepare looked_at as ${text}`)
    const values = parameters.map((value) => (value === null ? 'null' : `'${String(value).replaceAll("'", "''")}'`))
    const rows = await connection.query(`explain (verbose, costs off) execute looked_at(${values.join(', ')})`)
    await connection.query('deallocate looked_at')
    return rows.map((row) => Object.values(row).join()).join('\n')
  })
}

const perRow = /(any|all) \(\(+('|\$)[^)]*\)::/i

const values: Readonly<Record<string, readonly Scalar[]>> = {
  label: ['a', 'b'],
  fixed: ['a', 'b'],
  mood: ['sad', 'glad'],
  other: ids,
  whole: [1, 2],
  huge: ['1', '2'],
  thin: [0.5, 1],
  wide: [0.5, 1],
  amount: [1, 2],
  at: ['2026-11-20T20:54:57.107Z', '2026-11-21T20:54:57.107Z'],
  plain: ['2026-11-20T20:54:57.107Z', '2026-11-21T20:54:57.107Z'],
  day: ['2026-02-28', '2026-03-01'],
}

describe('a list of values is read once', () => {
  const counted = (where: Condition): Printed => printCount({ resource: sample, where }, scope, printing)
  const listed: ListedCondition = { kind: 'listed', effect: 'allow', model: 'sample', action: 'read', subjects: ids }
  test.each(Object.entries(values))('of %s', async (name, list) => {
    const plan = await planOf(counted(oneOf(name, list)))
    expect(plan).toMatch(/any \(/i)
    expect(plan).not.toMatch(perRow)
  })

  test.each<readonly [string, () => Printed]>([
    ['groups', () => counted(or(inGroups('ownerGroupId'), inGroups('label')))],
    ['the ACL', () => counted(listed)],
    ['the ACL, denied', () => counted({ ...listed, effect: 'deny' })],
    [
      'entries about rows',
      () => printAclEntries({ models: ['sample'], subjects: ids, recordIds: ids, everything: true }, scope),
    ],
    ['many rows at once', () => printDeleteMany({ resource: sample, ids, event: 'deleted' }, scope, printing)],
    [
      'rows by their ids',
      () =>
        printRelated({ resource: sample, by: 'id', keys: ids, where: always, fields: sample.fields }, scope, printing),
    ],
  ])('%s', async (_, print) => {
    const plan = await planOf(print())
    expect(plan).toMatch(/any \(/i)
    expect(plan).not.toMatch(perRow)
  })

  test('and the form that is read for each row is recognised', async () => {
    const fixed = (text: string): Printed => ({ text, parameters: ['{a,b}'], shape: 'fixed' })
    const table = opened.table('samples', tenantId)
    expect(await planOf(fixed(`select id from ${table} where label = any($1::text::text[])`))).toMatch(perRow)
    expect(await planOf(fixed(`select id from ${table} where label = any($1::text[])`))).not.toMatch(perRow)
  })
})
