import { fieldOf, RELATED_TO, type RelatedOperation, type Scope } from '@plinth/core'
import { toSql } from '../conditions/to-sql.ts'
import { columnType } from './column-types.ts'
import { wholeNumber } from './list.ts'
import type { Printing } from './printing.ts'
import { arrayLiteral, identifier } from './quote.ts'
import { andCondition, BARRIER } from './read.ts'
import { resourceSql } from './resource-sql.ts'
import { shownColumns } from './shown-columns.ts'
import { scopeClause, scopedStatement } from './scope-clause.ts'
import type { Printed } from './statement.ts'

const OF = identifier(RELATED_TO)

/**
 * The rows that belong to many others. Parents are found by their ids; without an order, for with one PostgreSQL before 17 may
 * walk the whole tenant along the key to spare a sort of twenty rows. Children are read for each key by itself, so that
 * each has its newest ones: the index of the reference holds them in that order, and the limit ends the reading. Linked rows
 * come in the order in which they were tied, for the same reason.
 */
export function printRelated(
  operation: RelatedOperation,
  scope: Scope,
  { withFacts, texts, tableOf }: Printing,
): Printed {
  const { resource, by } = operation
  const statement = scopedStatement(scope, withFacts)
  const keys = statement.add(arrayLiteral(operation.keys))
  const where = andCondition(operation.where, (condition) => toSql(condition, resource, scope.facts, statement))
  const tied =
    by !== 'id' && 'through' in by
      ? andCondition(by.where, (condition) => toSql(condition, by.through, scope.facts, statement, 'l'))
      : ''
  const limit = by === 'id' ? '' : ` limit ${wholeNumber(operation.limit)}`
  const columns = shownColumns(resource, operation.fields, [fieldOf(resource, 'id')], operation.view, (condition) =>
    toSql(condition, resource, scope.facts, statement),
  )
  const chosen = `${operation.fields.map((field) => field.key).join()}${columns.key}`
  const kind = by === 'id' ? by : 'through' in by ? `${by.through.name} ${by.near.key}` : by.key
  const text = texts.get(`related ${resource.name} ${kind} ${chosen}${where}${tied}${limit}`, () => {
    const sql = resourceSql(resource)
    const id = fieldOf(resource, 'id')
    const list = columns.print()
    const head = scopeClause(withFacts)
    const own = `p.tenant_id = $1::uuid`
    if (by === 'id') {
      const { compareMany, bare } = columnType(id.column)
      // In a sub-select, which is read once as well: of a list that it sees, the planner would rather test every row of a small table.
      const found = `${own} and p.id = any((select ${compareMany(keys)})::${bare}[])${sql.live}${where}`
      return `${head} select p.* from c cross join lateral (select p.id as ${OF}, ${list} from ${tableOf(resource)} p where c.t is not null and ${found}${BARRIER}) p`
    }
    const near = 'through' in by ? by.near : by
    const each = `${head} select k.id as ${OF}, p.* from c cross join unnest(${columnType(near.column).compareMany(keys)}) k(id) cross join lateral`
    if (!('through' in by))
      return `${each} (select ${list} from ${tableOf(resource)} p where c.t is not null and ${own} and p.${identifier(by.sqlName)} = k.id${sql.live}${where} order by p.created_at desc, p.id desc${limit}) p`
    const ties = `${tableOf(by.through)} l join ${tableOf(resource)} p on ${own} and p.id = l.${identifier(by.far.sqlName)}${sql.live}${where}`
    return `${each} (select ${list} from ${ties} where c.t is not null and l.tenant_id = $1::uuid and l.${identifier(near.sqlName)} = k.id${tied} order by l.created_at desc, l.id desc${limit}) p`
  })
  return { text, parameters: statement.parameters, shape: 'varied' }
}
