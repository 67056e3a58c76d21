import { scopeClause, scopedStatement } from './scope-clause.ts'
import type { Scope } from '@plinth/core'
import type { ColumnType } from './column-types.ts'
import type { Statement } from './statement.ts'

/** What stands at fixed places in every generated write, so that records and events can be printed once, at start. */
export interface WriteNames {
  readonly tenantId: string
  readonly id: string
  readonly now: string
  readonly actorKind: string
  readonly actorId: string
  readonly requestId: string
  readonly event: string
  readonly traceparent: string
  readonly onBehalfOf: string
  readonly address: string
  readonly userAgent: string
}

/** What is written beside a write, and so which parameters stand for who did it. */
export type Written = 'nothing' | 'by whom' | 'by whom and from where'

/** What stands at fixed places in the statement that emits an event. */
export const eventNames = {
  newId: 'gen_random_uuid()',
  tenantId: '$1::uuid',
  eventType: '$3::text',
  key: '$4::text',
  data: '$5::text::jsonb',
  actorKind: '$6::text',
  actorId: '$7::text',
  requestId: '$8::text',
  time: '$9::text::timestamp with time zone',
  onBehalfOf: '$10::text',
  address: '$11::text',
  userAgent: '$12::text',
  version: '$13::smallint',
  traceparent: '$14::text',
  // One parameter for the four: most events say nothing of what changed.
  before: "($15::text::jsonb -> 'before')",
  after: "($15::text::jsonb -> 'after')",
  masked: "($15::text::jsonb -> 'masked')",
  personal: "($15::text::jsonb -> 'personal')",
} as const

/**
 * @param withFacts whether two settings more stand before them
 * @param key turns the placeholder of the id into the type of the table's key
 */
export function writeNames(withFacts: boolean, key: (placeholder: string) => string): WriteNames {
  const first = withFacts ? 5 : 3
  return {
    tenantId: '$1::uuid',
    id: key(`$${first}`),
    now: `$${first + 1}::timestamp with time zone`,
    actorKind: `$${first + 2}::text`,
    actorId: `$${first + 3}::text`,
    requestId: `$${first + 4}::text`,
    event: `$${first + 5}::text`,
    traceparent: `$${first + 6}::text`,
    onBehalfOf: `$${first + 7}::text`,
    address: `$${first + 8}::text`,
    userAgent: `$${first + 9}::text`,
  }
}

/** Puts the first CTEs of a write before the others. */
export type WriteHead = (body: string) => string

/**
 * The first CTEs and parameters of a write. PostgreSQL refuses a parameter that stands nowhere in the text, so `w` names those that
 * the body does not; who, where and what for only where something is recorded.
 */
export function beginWrite(
  scope: Scope,
  id: string | null,
  key: ColumnType['compare'],
  event: string,
  withFacts: boolean,
  written: Written,
): { readonly statement: Statement; readonly head: WriteHead } {
  const statement = scopedStatement(scope, withFacts)
  statement.add(id)
  statement.add(scope.now.toISOString())
  if (written !== 'nothing') {
    statement.add(scope.actor.kind)
    statement.add(scope.actor.id)
    statement.add(scope.requestId)
    statement.add(event)
    statement.add(scope.traceparent ?? null)
  }
  if (written === 'by whom and from where') {
    statement.add(scope.onBehalfOf ?? null)
    statement.add(scope.client?.address ?? null)
    statement.add(scope.client?.userAgent ?? null)
  }
  return { statement, head: headOf(withFacts, written, key) }
}

const heads = new WeakMap<ColumnType['compare'], Map<Written, readonly [WriteHead, WriteHead]>>()

/** Printed once for each key, and looked up by what is at hand: a text to look it up by was 1.5 % of a create. */
function headOf(withFacts: boolean, written: Written, key: ColumnType['compare']): WriteHead {
  let ofKey = heads.get(key)
  if (!ofKey) heads.set(key, (ofKey = new Map()))
  let both = ofKey.get(written)
  if (!both) ofKey.set(written, (both = [printHead(false, written, key), printHead(true, written, key)]))
  return both[withFacts ? 1 : 0]
}

function printHead(withFacts: boolean, written: Written, key: ColumnType['compare']): WriteHead {
  const [, ...all] = Object.values(writeNames(withFacts, key))
  const used = all.slice(0, { nothing: 2, 'by whom': 7, 'by whom and from where': 10 }[written])
  return (body) => {
    // PostgreSQL copies the text of a statement each time that it runs: 250 characters less are a µs.
    const unused = used.filter((name) => !body.includes(name))
    return `${scopeClause(withFacts)}${unused.length === 0 ? '' : `, w as (select ${unused.join(', ')})`}${body}`
  }
}
