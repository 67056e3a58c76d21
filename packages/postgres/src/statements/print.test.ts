import { describe, expect, test } from 'vitest'
import {
  always,
  and,
  compare,
  compareFact,
  contains,
  fieldOf,
  inGroups,
  oneOf,
  or,
  type FieldInfo,
  type ResourceInfo,
  type Stored,
} from '@plinth/core'
import { attach, everything, listening, projects, recording, recordingAll, scopeOf } from '../../tests/fixture.ts'
import type { Driver, Drivers } from '../drivers/driver.ts'
import { printDelete, printProbe, printUpdate } from './change.ts'
import { printCreate } from './create.ts'
import { printCreateTogether } from './create-together.ts'
import { printEmit } from './emit.ts'
import { printList } from './list.ts'
import { tableOf, TextCache, type Printing } from './printing.ts'
import { printLock } from './lock.ts'
import { printCount, printRead } from './read.ts'
import { compileRecords } from './records.ts'
import type { Printed } from './statement.ts'

const never: Driver['query'] = () => Promise.reject(new Error('nothing is sent here'))
const driver: Driver = {
  kind: 'postgres',
  query: never,
  transaction: () => Promise.reject(new Error('nothing is sent here')),
  script: () => Promise.resolve(),
  close: () => Promise.resolve(),
}
const drivers: Drivers = {
  kind: 'postgres',
  app: driver,
  system: () => Promise.resolve(driver),
  owner: () => Promise.resolve(driver),
  close: () => Promise.resolve(),
}

const plain = attach(drivers)
const full = attach(drivers, [recording(), listening('*')])
const inDetail = attach(drivers, [recordingAll()])
const printingOf = ({ registry }: typeof plain): Printing => ({
  records: compileRecords(registry, false, []),
  events: registry.events,
  withFacts: false,
  texts: new TextCache(),
  tableOf: tableOf('shared'),
  entriesGone: () => '',
})

const CANARY = "c4nary'); drop table plinth.tenants; --"
const scope = scopeOf('0190a000-0000-7000-8000-00000000000a', {
  actor: { kind: 'apiKey', id: CANARY },
  facts: { principalId: CANARY, userId: CANARY, groupIds: [CANARY] },
  requestId: CANARY,
  onBehalfOf: CANARY,
  client: { address: CANARY, userAgent: CANARY },
})

/** Every statement there is, with the canary in every place that a request can reach. */
function statements(project: ResourceInfo, printing: Printing): Readonly<Record<string, Printed>> {
  const id = CANARY
  const values = new Map<FieldInfo, Stored>(
    ['name', 'status', 'contactEmail', 'siteId'].map((key) => [fieldOf(project, key), CANARY]),
  )
  const visible = or(
    inGroups('ownerGroupId'),
    inGroups('name'),
    compareFact('ownerUserId', 'eq', 'userId'),
    compare('name', 'lt', CANARY),
    oneOf('status', [CANARY, null]),
    contains('name', CANARY),
    oneOf('siteId', [CANARY, '0190a000-0000-7000-8000-0000000000aa']),
    compare('createdAt', 'gt', CANARY),
  )
  const sort = [
    { field: fieldOf(project, 'contactEmail'), descending: true },
    { field: fieldOf(project, 'id'), descending: false },
  ]
  const list = {
    resource: project,
    where: visible,
    sort,
    after: [CANARY, CANARY],
    limit: 21,
    offset: 3,
    fields: project.fields,
  }
  const change = {
    resource: project,
    id,
    visible,
    allowed: and(visible, compare('version', 'lt', 3)),
    ifVersion: 4,
    event: CANARY,
  }
  const emit = printEmit({ type: 'site.created', version: 1, key: CANARY, data: CANARY }, scope, printing.records)
  return {
    read: printRead({ resource: project, id, visible }, scope, printing),
    lock: printLock({ resource: project, id, visible }, scope, printing),
    list: printList(list, scope, printing),
    count: printCount(list, scope, printing),
    create: printCreate({ resource: project, id, ownerUserId: CANARY, values }, scope, printing),
    together: printCreateTogether(
      [1, 2].map(() => ({ operation: { resource: project, id, ownerUserId: CANARY, values }, scope })),
      printing,
    ),
    update: printUpdate({ ...change, values }, scope, printing),
    delete: printDelete(change, scope, printing),
    probe: printProbe(change, scope, printing),
    ...(emit && { emit }),
  }
}

describe.each([
  ['nothing recorded', plain],
  ['records and events', full],
  ['everything of writes and events recorded', inDetail],
] as const)('with %s', (_, attached) => {
  const project = attached.resource(projects)

  test('nothing of a request gets into a text: all of it is parameters', () => {
    for (const [name, printed] of Object.entries(statements(project, printingOf(attached)))) {
      // Also not in pieces, as the classes of a pattern.
      expect(printed.text, `${name}`).not.toMatch(/c4nary|drop table|\[nN\]/)
      expect(printed.parameters.filter((value) => String(value).includes('c4nary')).length, `${name}`).toBeGreaterThan(
        0,
      )
    }
  })

  test('each parameter stands in the text, and each placeholder has its parameter: PostgreSQL refuses anything else', () => {
    for (const [name, printed] of Object.entries(statements(project, printingOf(attached)))) {
      const numbers = [...new Set([...printed.text.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])))].sort(
        (left, right) => left - right,
      )
      expect(numbers, `${name}`).toEqual(printed.parameters.map((__, at) => at + 1))
    }
  })

  test('every statement sets the tenant and depends on it', () => {
    for (const [name, printed] of Object.entries(statements(project, printingOf(attached)))) {
      expect(printed.text, `${name}`).toMatch(
        /^with c as materialized \(select set_config\('plinth\.tenant', \$1::uuid::text, true\) t/,
      )
      expect(printed.text, `${name}`).toContain('where c.t is not null')
      expect(printed.parameters[0], `${name}`).toBe(scope.tenantId)
    }
  })

  test('the same shape is the same text, whatever the values', () => {
    const printing = printingOf(attached)
    const other = {
      ...scope,
      actor: { kind: 'user', id: 'bob' },
      requestId: 'r2',
      facts: { principalId: 'bob', userId: 'x', groupIds: ['y'] },
    } as const
    const texts = (given: typeof scope): string[] => [
      printRead({ resource: project, id: given.requestId, visible: always }, given, printing).text,
      printUpdate(
        {
          resource: project,
          id: given.requestId,
          ...everything,
          event: 'updated',
          values: new Map([[fieldOf(project, 'name'), given.requestId]]),
        },
        given,
        printing,
      ).text,
      printDelete({ resource: project, id: given.requestId, ...everything, event: 'deleted' }, given, printing).text,
    ]
    expect(texts(scope)).toEqual(texts(other))
  })
})

test('what no feature uses is not in the statement', () => {
  const project = plain.resource(projects)
  const printed = statements(project, printingOf(plain))
  for (const name of ['create', 'update', 'delete']) {
    expect(printed[name]?.text, `${name}`).not.toContain('"plinth"')
    expect(printed[name]?.text, `${name}`).not.toContain('jsonb')
  }
})

test('a resource of another registry is refused: its writes would go unrecorded', () => {
  expect(() =>
    printCreate(
      { resource: full.resource(projects), id: 'x', ownerUserId: null, values: new Map() },
      scope,
      printingOf(plain),
    ),
  ).toThrow('no resource of the registry')
})
