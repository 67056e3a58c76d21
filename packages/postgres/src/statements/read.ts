import {
  closedView,
  type Condition,
  type FieldView,
  type ListOperation,
  type ReadOperation,
  type Scope,
} from '@plinth/core'
import { toSql } from '../conditions/to-sql.ts'
import type { Printing } from './printing.ts'
import { resourceSql } from './resource-sql.ts'
import { scopeClause, scopedStatement } from './scope-clause.ts'
import { shownColumns } from './shown-columns.ts'
import type { Printed } from './statement.ts'

/** `and <condition>`, or nothing for `always`: no shape of its own for the commonest case. */
export function andCondition(condition: Condition, print: (condition: Condition) => string): string {
  return condition.kind === 'always' ? '' : ` and ${print(condition)}`
}

/**
 * Keeps the sub-select a sub-select. Pulled up into the outer query, its `c.t is not null` is a filter on `c` alone and forces
 * nothing; worse, the planner concludes from `tenant_id = $1` and the policy's `tenant_id = current_setting(…)` that `$1 =
 * current_setting(…)` and tests that first of all, before `c` has set anything: no row, ever (seen on 15.18 and 18.4). Kept, it
 * depends on `c` and runs after it. A limit, an aggregate and a row lock keep it as well.
 */
export const BARRIER = ' offset 0'

/** One row by id, if the principal may see it. Measured: 109 µs of CPU against 131 µs for begin, set, select. */
export function printRead(operation: ReadOperation, scope: Scope, printing: Printing): Printed {
  const { resource, view } = operation
  return printOne(operation, scope, printing, BARRIER, resourceSql(resource).live, view ?? closedView(resource))
}

/**
 * @param end what keeps the sub-select a sub-select
 * @param state which of the rows: the live ones, or a condition on their deletion
 * @param view which restricted fields are read
 */
export function printOne(
  operation: ReadOperation,
  scope: Scope,
  { withFacts, texts, tableOf }: Printing,
  end: string,
  state: string,
  view: FieldView,
): Printed {
  const { resource } = operation
  const statement = scopedStatement(scope, withFacts)
  const id = statement.add(operation.id)
  const visible = andCondition(operation.visible, (condition) =>
    toSql(condition, resource, scope.facts, statement, 'p', 'one row'),
  )
  const columns = shownColumns(resource, resource.fields, [], view, (condition) =>
    toSql(condition, resource, scope.facts, statement, 'p', 'one row'),
  )
  const text = texts.get(`read ${resource.name}${columns.key}${end}${state}${visible}`, () => {
    const sql = resourceSql(resource)
    return `${scopeClause(withFacts)} select p.* from c cross join lateral (select ${columns.print()} from ${tableOf(resource)} p where c.t is not null and p.tenant_id = $1::uuid and p.id = ${sql.key(id)}${state}${visible}${end}) p`
  })
  return { text, parameters: statement.parameters, shape: 'fixed' }
}

export function printCount(
  operation: Pick<ListOperation, 'resource' | 'where'>,
  scope: Scope,
  { withFacts, texts, tableOf }: Printing,
): Printed {
  const { resource } = operation
  const statement = scopedStatement(scope, withFacts)
  const where = andCondition(operation.where, (condition) => toSql(condition, resource, scope.facts, statement))
  const text = texts.get(`count ${resource.name}${where}`, () => {
    const sql = resourceSql(resource)
    return `${scopeClause(withFacts)} select p.n from c cross join lateral (select count(*) n from ${tableOf(resource)} p where c.t is not null and p.tenant_id = $1::uuid${sql.live}${where}) p`
  })
  return { text, parameters: statement.parameters, shape: 'varied' }
}
