import { fieldOf, openView, type LockManyOperation, type LockOperation, type LockStrength } from '@plinth/core'
import type { RowState, ResourceInfo, Scope } from '@plinth/core'
import { toSql } from '../conditions/to-sql.ts'
import { wholeNumber } from './list.ts'
import type { Printing } from './printing.ts'
import { identifier } from './quote.ts'
import { andCondition, printOne } from './read.ts'
import { chosenColumns, resourceSql } from './resource-sql.ts'
import { scopeClause, scopedStatement } from './scope-clause.ts'
import type { Printed } from './statement.ts'

/**
 * `change` is not `for update`: children may still be inserted beside it (their foreign-key check takes a key-share lock).
 * `delete` keeps them out. `keep` holds a parent as it is while a row that refers to it is written: a soft deletion is an
 * update that touches no key, and no foreign key would wait for it.
 */
const clauses: Readonly<Record<LockStrength, string>> = {
  keep: ' for share of p',
  change: ' for no key update of p',
  delete: ' for update of p',
}

function stateClause(resource: ResourceInfo, state: RowState = 'live'): string {
  const { deletedAt, live } = resourceSql(resource)
  if (state === 'live' || !deletedAt) return state === 'deleted' ? ' and false' : live
  return state === 'any' ? '' : ` and p.${identifier(deletedAt.sqlName)} is not null`
}

/** One row by id, which stays locked until the transaction ends. */
export function printLock(operation: LockOperation, scope: Scope, printing: Printing): Printed {
  const { resource, strength = 'change', state } = operation
  // What is decided under a lock is decided about the whole row.
  return printOne(operation, scope, printing, clauses[strength], stateClause(resource, state), openView(resource))
}

/**
 * Rows, locked in the order of their ids: whoever locks many takes them in the same order as everybody else, and waits
 * instead of meeting another one half-way (a deadlock).
 */
export function printLockMany(
  operation: LockManyOperation,
  scope: Scope,
  { withFacts, texts, tableOf }: Printing,
): Printed {
  const { resource, strength, state, limit, newestFirst = false, fields = resource.fields } = operation
  const statement = scopedStatement(scope, withFacts)
  const where = andCondition(operation.where, (condition) => toSql(condition, resource, scope.facts, statement))
  const end = `${stateClause(resource, state)}${where} order by p.id${newestFirst ? ' desc' : ''} limit ${wholeNumber(limit)}${clauses[strength]}`
  const text = texts.get(
    `lock many ${resource.name} ${fields === resource.fields ? '*' : fields.map((field) => field.key).join()}${end}`,
    () => {
      const columns = chosenColumns(resource, fields, [fieldOf(resource, 'id')])
      return `${scopeClause(withFacts)} select p.* from c cross join lateral (select ${columns} from ${tableOf(resource)} p where c.t is not null and p.tenant_id = $1::uuid${end}) p`
    },
  )
  return { text, parameters: statement.parameters, shape: 'varied' }
}
