import { fieldOf, type CreateOperation, type Scope } from '@plinth/core'
import { columnType } from './column-types.ts'
import { givenValues } from './many.ts'
import type { Printing } from './printing.ts'
import { arrayLiteral, identifier } from './quote.ts'
import { resourceSql } from './resource-sql.ts'
import { rowColumn } from './row-json.ts'
import type { Printed } from './statement.ts'
import { beginWrite, writeNames } from './write-clause.ts'

/** A create, and who asked for it. */
export interface AskedCreate {
  readonly operation: CreateOperation
  readonly scope: Scope
}

/**
 * How long a statement of several requests may wait for a lock, in milliseconds: the less the more they are, for the server counts anew for
 * each lock. Not less than what making a table longer takes where the processors are busy, which is a lock as well. By itself a create
 * waits as the server lets it.
 */
const LOCK_TIMEOUT_MS = 200
const LEAST_LOCK_TIMEOUT_MS = 25

/** Fails where a trigger gave a row another id: nothing would be recorded of it. */
const EACH_KNOWN = '1 / (v.id is not null)::int = 1'

/**
 * One row each of several requests, in one statement: each with its own time, request and trace. Tenant, principal, actor, client, owner
 * and columns are those of the first.
 * @param asked at least one, all alike, of a resource whose ids are UUIDs
 */
export function printCreateTogether(
  asked: readonly AskedCreate[],
  { records, withFacts, texts, tableOf }: Printing,
): Printed {
  const first = asked[0]!
  const { resource, id, ownerUserId } = first.operation
  const sql = resourceSql(resource)
  const beside = records.beside(resource, 'create', 'created', 'together')
  const { statement, head } = beginWrite(first.scope, id, sql.key, 'created', withFacts, records.written(beside))
  const owner = statement.add(ownerUserId)
  const patience = statement.add(Math.max(LEAST_LOCK_TIMEOUT_MS, Math.floor(LOCK_TIMEOUT_MS / asked.length)).toString())
  const rows = asked.map(({ operation }) => givenValues(operation))
  const given = rows[0]!.map(([field]) => field)
  const lists = [
    asked.map(({ operation }) => operation.id),
    asked.map(({ scope }) => scope.now.toISOString()),
    asked.map(({ scope }) => scope.requestId),
    asked.map(({ scope }) => scope.traceparent ?? null),
    ...given.map((_, at) => rows.map((row) => row[at]![1])),
  ].map((values) => statement.add(arrayLiteral(values)))
  const text = texts.get(`create together ${resource.name} ${given.map((field) => field.key).join()}`, () => {
    const names = writeNames(withFacts, sql.key)
    const columns = ['tenant_id', 'id', 'owner_user_id', 'created_at', 'updated_at']
    const values = [names.tenantId, 'v.id', `${owner}::uuid`, 'v.now', 'v.now']
    given.forEach((field, at) => {
      columns.push(identifier(field.sqlName))
      values.push(columnType(field.column).store(`v.c${at}`))
    })
    const key = columnType(fieldOf(resource, 'id').column).store('u.id')
    const own = given.map((_, at) => `c${at}`)
    const shown = [`${key} as id`, 'u.now::timestamptz as now', 'u.request', 'u.trace', ...own]
    const arrays = lists.map((list) => `${list}::text::text[]`).join(', ')
    return head(
      `, l as materialized (select set_config('lock_timeout', ${patience}::text, true) as t from c where c.t is not null)` +
        `, v as materialized (select ${shown.join(', ')} from l cross join unnest(${arrays}) as u(id, now, request, trace${own.map((name) => `, ${name}`).join('')}) where l.t is not null)` +
        `, n as (insert into ${tableOf(resource)} as p (${columns.join(', ')}) select ${values.join(', ')} from v returning p.*${rowColumn(resource, 'n', beside)})${beside} select ${sql.written} from n left join v on v.id = n.id where ${EACH_KNOWN}`,
    )
  })
  return { text, parameters: statement.parameters, shape: 'varied' }
}
