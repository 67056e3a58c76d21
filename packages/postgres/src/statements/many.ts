import {
  fieldOf,
  type CreateOperation,
  type FieldInfo,
  type ManyOperation,
  type Scope,
  type Stored,
} from '@plinth/core'
import { softly, unsoftly } from './change.ts'
import { columnType } from './column-types.ts'
import { madeValue } from './made-value.ts'
import type { Printing } from './printing.ts'
import { arrayLiteral, identifier } from './quote.ts'
import { resourceSql } from './resource-sql.ts'
import { rowColumn } from './row-json.ts'
import type { Printed } from './statement.ts'
import { beginWrite, writeNames, type WriteNames } from './write-clause.ts'

/*
 * Many rows in one statement, each with its own records and event. Values come as one array per column, so that the text does
 * not depend on the number of rows: a prepared statement costs 26 KB in each backend.
 */

/** Which columns a create gives, as a text. */
export function columnsGiven({ id, values }: CreateOperation): string {
  let columns = id === null ? 'made' : 'id'
  for (const field of values.keys()) columns += `,${field.key}`
  return columns
}

/** Runs of creates that give the same columns: each can be one statement. */
export function runsAlike(operations: readonly CreateOperation[]): readonly (readonly CreateOperation[])[] {
  const runs: { readonly columns: string; readonly of: CreateOperation[] }[] = []
  for (const operation of operations) {
    const columns = columnsGiven(operation)
    const last = runs.at(-1)
    if (last?.columns === columns) last.of.push(operation)
    else runs.push({ columns, of: [operation] })
  }
  return runs.map((run) => run.of)
}

/** What a create gives, and what our code makes where it does not. */
export function givenValues({ resource, values }: CreateOperation): readonly (readonly [FieldInfo, Stored])[] {
  const made = resourceSql(resource).made.filter((field) => !values.has(field))
  // Which row it is, the operation says.
  return [
    ...[...values].filter(([field]) => field.key !== 'id'),
    ...made.map((field) => [field, madeValue(field, field.column.defaultFn)] as const),
  ]
}

/** @param operations at least one, all of one resource and giving the same columns */
export function printCreateMany(
  operations: readonly CreateOperation[],
  scope: Scope,
  { records, withFacts, texts, tableOf }: Printing,
): Printed {
  const first = operations[0]!
  const { resource } = first
  const sql = resourceSql(resource)
  const beside = records.beside(resource, 'create', 'created', 'many')
  const { statement, head } = beginWrite(scope, first.id, sql.key, 'created', withFacts, records.written(beside))
  const owner = statement.add(first.ownerUserId)
  const rows = operations.map(givenValues)
  const given = rows[0]!.map(([field]) => field)
  const ids = statement.add(arrayLiteral(operations.map((operation) => operation.id)))
  const lists = given.map((_, at) => statement.add(arrayLiteral(rows.map((row) => row[at]![1]))))
  const text = texts.get(`create many ${resource.name} ${given.map((field) => field.key).join()}`, () => {
    const names = writeNames(withFacts, sql.key)
    const columns = ['tenant_id', 'id', 'owner_user_id', 'created_at', 'updated_at']
    const id = columnType(fieldOf(resource, 'id').column).store('v.id')
    const values = [names.tenantId, id, `${owner}::uuid`, names.now, names.now]
    given.forEach((field, at) => {
      columns.push(identifier(field.sqlName))
      values.push(columnType(field.column).store(`v.c${at}`))
    })
    const arrays = [ids, ...lists].map((list) => `${list}::text::text[]`).join(', ')
    const aliases = ['id', ...given.map((_, at) => `c${at}`), 'place'].join(', ')
    return head(
      `, n as (insert into ${tableOf(resource)} as p (${columns.join(', ')}) select ${values.join(', ')} from c cross join unnest(${arrays}) with ordinality v(${aliases}) where c.t is not null order by v.place returning p.*${rowColumn(resource, 'n', beside)})${beside} select ${sql.written} from n`,
    )
  })
  return { text, parameters: statement.parameters, shape: 'varied' }
}

/** Takes rows away: softly where the resource says so, for good with `purge` and where it does not. */
export function printDeleteMany(
  operation: ManyOperation & { readonly purge?: boolean },
  scope: Scope,
  printing: Printing,
): Printed {
  const { live, deletedAt } = resourceSql(operation.resource)
  const table = printing.tableOf(operation.resource)
  if (!deletedAt || operation.purge) {
    const gone = printing.entriesGone(operation.resource)
    return printMany(operation, 'delete', 'purge', scope, printing, '', () => `delete from ${table} p using b`, gone)
  }
  const write = (names: WriteNames): string => `${softly(table, deletedAt, names)} from b`
  return printMany(operation, 'delete', 'delete', scope, printing, live, write)
}

export function printRestoreMany(operation: ManyOperation, scope: Scope, printing: Printing): Printed {
  const { deletedAt } = resourceSql(operation.resource)
  const table = printing.tableOf(operation.resource)
  if (!deletedAt) throw new Error(`${operation.resource.name} is not deleted softly, so there is nothing to restore`)
  const deleted = ` and p.${identifier(deletedAt.sqlName)} is not null`
  const write = (names: WriteNames): string => `${unsoftly(table, deletedAt, names)} from b`
  return printMany(operation, 'update', 'restore', scope, printing, deleted, write)
}

/**
 * How many rows it was. The last select reads `b` before `n` (a lateral join can only be a nested loop over its left side): the
 * policy is tested when `n` begins, and by then `c` must have set the tenant. -1 where not the rows that were locked are those that
 * were changed: then records would tell of other rows than the write.
 */
function printMany(
  operation: ManyOperation,
  kind: 'update' | 'delete',
  verb: string,
  scope: Scope,
  { records, withFacts, texts, tableOf }: Printing,
  state: string,
  write: (names: WriteNames) => string,
  after = '',
): Printed {
  const { resource, ids, event } = operation
  const { key } = resourceSql(resource)
  const beside = records.beside(resource, kind, event, 'many')
  const { statement, head } = beginWrite(scope, ids[0]!, key, event, withFacts, records.written(beside))
  const list = columnType(fieldOf(resource, 'id').column).compareMany(statement.add(arrayLiteral(ids)))
  const hearing = records.hearing(`${resource.name}.${event}`)
  const text = texts.get(`${verb} many ${resource.name} ${hearing}`, () => {
    const rows = `p.tenant_id = $1::uuid and p.id = any(${list})`
    return head(
      `, b as materialized (select p.* from c cross join lateral (select p.*${rowColumn(resource, 'b', beside)} from ${tableOf(resource)} p where c.t is not null and ${rows}${state} for update of p) p)` +
        `, n as (${write(writeNames(withFacts, key))} where ${rows} and p.id = b.id returning p.*${rowColumn(resource, 'n', beside)})${beside}${after}` +
        ' select case when s.n = w.n then w.n else -1 end as "n" from (select count(*) as n from b) s cross join lateral (select count(*) as n from n where s.n is not null offset 0) w',
    )
  })
  return { text, parameters: statement.parameters, shape: 'fixed' }
}
