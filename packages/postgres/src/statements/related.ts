import { fieldOf, RELATED_TO, type RelatedOperation, type Scope } from '@plinth/core'
import { toSql } from '../conditions/to-sql.ts'
import { columnType } from './column-types.ts'
import { wholeNumber } from './list.ts'
import type { Printing } from './printing.ts'
import { arrayLiteral, identifier } from './quote.ts'
import { andCondition, BARRIER } from './read.ts'
import { chosenColumns, resourceSql } from './resource-sql.ts'
import { scopeClause, scopedStatement } from './scope-clause.ts'
import type { Printed } from './statement.ts'

const OF = identifier(RELATED_TO)

/**
 * The rows that belong to many others. Parents are found by their ids; without an order, for with one PostgreSQL before 17 may
 * walk the whole tenant along the key to spare a sort of twenty rows. Children are read for each key by itself, so that
 * each has its newest ones: the index of the reference holds them in that order, and the limit ends the reading.
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
  const limit = by === 'id' ? '' : ` limit ${wholeNumber(operation.limit)}`
  const chosen = operation.fields.map((field) => field.key).join()
  const text = texts.get(`related ${resource.name} ${by === 'id' ? by : by.key} ${chosen}${where}${limit}`, () => {
    const sql = resourceSql(resource)
    const id = fieldOf(resource, 'id')
    const columns = chosenColumns(resource, operation.fields, [id])
    const found = `${tableOf(resource)} p where c.t is not null and p.tenant_id = $1::uuid`
    if (by === 'id')
      return `${scopeClause(withFacts)} select p.* from c cross join lateral (select p.id as ${OF}, ${columns} from ${found} and p.id = any(${columnType(id.column).compareMany(keys)})${sql.live}${where}${BARRIER}) p`
    const of = `unnest(${columnType(by.column).compareMany(keys)}) k(id)`
    const own = `p.${identifier(by.sqlName)} = k.id`
    return `${scopeClause(withFacts)} select k.id as ${OF}, p.* from c cross join ${of} cross join lateral (select ${columns} from ${found} and ${own}${sql.live}${where} order by p.created_at desc, p.id desc${limit}) p`
  })
  return { text, parameters: statement.parameters, shape: 'varied' }
}
