import { hash } from 'node:crypto'
import {
  always,
  and,
  buildPermissionSet,
  numberPermissions,
  compare,
  contains,
  fieldOf,
  oneOf,
  readDeclaration,
  type ListOperation,
  type ResourceInfo,
  type Scope,
} from '@plinth/core'
// The parts themselves, which no package exports: a benchmark may look inside.
import { inputSchemas } from '../../packages/core/src/input/schemas.ts'
import { storedValues, validate } from '../../packages/core/src/input/validate.ts'
import { rowPrinter } from '../../packages/core/src/output/print-row.ts'
import { parseJsonBody } from '../../packages/core/src/request/scan-json.ts'
import { toSql } from '../../packages/postgres/src/conditions/to-sql.ts'
import { printList } from '../../packages/postgres/src/statements/list.ts'
import { tableOf, TextCache, type Printing } from '../../packages/postgres/src/statements/printing.ts'
import { printRead } from '../../packages/postgres/src/statements/read.ts'
import { compileRecords } from '../../packages/postgres/src/statements/records.ts'
import { Statement } from '../../packages/postgres/src/statements/statement.ts'
import { tokenOf } from './database/tenants.ts'
import { parsedRows, rawRows } from './micro/sample-rows.ts'
import { timeCall } from './micro/time-call.ts'
import { project } from './platform/projects.ts'
import type { Spread } from './report/statistics.ts'
import { draft } from './workloads.ts'

/** What one call of one part costs, alone and hot: it says what to mend, never what a request costs. */
export interface MicroResult {
  readonly name: string
  readonly title: string
  readonly us: Spread
}

const scope: Scope = {
  tenantId: '01941f29-7c00-7aaa-8bbb-0123456789ab',
  actor: { kind: 'service', id: 'bench' },
  facts: { principalId: 'bench', userId: null, groupIds: [] },
  requestId: '7a4f1c2e-0000-4000-8000-000000000000',
  now: new Date(),
}

export function measureMicro(): readonly MicroResult[] {
  const registry = readDeclaration([project], [], [])
  const resource = registry.resources[0]!
  const parts: readonly (readonly [name: string, title: string, call: (turn: number) => unknown])[] = [
    decision(),
    token(),
    ...statements(resource, {
      records: compileRecords(registry, false, []),
      events: registry.events,
      withFacts: false,
      texts: new TextCache(),
      tableOf: tableOf('shared'),
      entriesGone: () => '',
    }),
    ...printing(resource),
    ...bodies(resource),
  ]
  return parts.map(([name, title, call]) => ({ name, title, us: timeCall(call) }))
}

type Part = readonly [name: string, title: string, call: (turn: number) => unknown]

/** As in W5 of the measurements that set the goal: 200 permissions, some of them in the scope `own`. */
function decision(): Part {
  const names = Array.from(
    { length: 200 },
    (_, index) => `model${index >> 2}:${['read', 'create', 'update', 'delete'][index & 3]}`,
  )
  const models = Array.from({ length: 50 }, (_, model) => ({
    name: `model${model}`,
    verbs: ['read', 'create', 'update', 'delete'],
  }))
  const { set } = buildPermissionSet(
    numberPermissions(models),
    names.filter((_, index) => index % 3 > 0).map((name, index) => (index % 2 === 0 ? `${name}:own` : name)),
  )
  return ['decision', 'permission decision, 200 permissions', (turn) => set.condition(turn % 200)]
}

function token(): Part {
  const known = new Map([[hash('sha256', tokenOf('acme'), 'hex'), 'acme']])
  return ['token', 'service token: SHA-256 and look-up', () => known.get(hash('sha256', tokenOf('acme'), 'hex'))]
}

function statements(resource: ResourceInfo, printing: Printing): readonly Part[] {
  const condition = and(compare('status', 'eq', 'live'), oneOf('priority', [1, 2, 3]), contains('name', 'five'))
  const sort = [
    { field: fieldOf(resource, 'createdAt'), descending: true },
    { field: fieldOf(resource, 'id'), descending: true },
  ]
  const page: ListOperation = {
    resource,
    where: always,
    sort,
    after: undefined,
    limit: 21,
    offset: 0,
    fields: rowPrinter(resource).fields,
  }
  const after = ['2026-11-20 20:54:57.107+00', '01941f29-7c00-7aaa-8bbb-0123456789ab']
  return [
    ['condition', 'condition of three parts to SQL', () => toSql(condition, resource, scope.facts, new Statement([]))],
    [
      'print-read',
      'statement of a read, text kept',
      () => printRead({ resource, id: scope.tenantId, visible: always }, scope, printing),
    ],
    ['print-list', 'statement of a page, text kept', () => printList(page, scope, printing)],
    [
      'print-filtered',
      'statement of a filtered cursor page, text kept',
      () => printList({ ...page, where: condition, after }, scope, printing),
    ],
  ]
}

function printing(resource: ResourceInfo): readonly Part[] {
  const printer = rowPrinter(resource)
  return [
    ['print-rows', '20 rows to JSON, from raw text', () => rawRows.map((row) => printer.print(row)).join(',')],
    ['stringify-rows', '20 rows to JSON by JSON.stringify, parsed before', () => JSON.stringify(parsedRows)],
  ]
}

function bodies(resource: ResourceInfo): readonly Part[] {
  const text = JSON.stringify(draft(1))
  const bytes = new TextEncoder().encode(text)
  const body: unknown = JSON.parse(text)
  const { whole } = inputSchemas(resource)
  return [
    ['parse-body', 'body of 330 bytes: decode, parse, scan', () => parseJsonBody(bytes, 32)],
    ['json-parse', 'the same by JSON.parse alone', () => JSON.parse(text) as unknown],
    [
      'validate',
      'its validation and stored values',
      () => storedValues(resource, validate(whole, body) as Record<string, unknown>),
    ],
  ]
}
