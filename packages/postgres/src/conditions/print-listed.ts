import { fieldOf, type ListedCondition, type ResourceInfo } from '@plinth/core'
import { columnType } from '../statements/column-types.ts'
import { arrayLiteral } from '../statements/quote.ts'
import type { Statement } from '../statements/statement.ts'

/**
 * Whether entries of the ACL name the row. The statement's first parameter is its tenant; the table has a policy of its own beside.
 *
 * Allowed rows are an array of ids, so that the key serves: with `own` beside it the planner joins two bitmaps. Denied ones are looked
 * for row by row, in the index by record, or all at once in a hash where there are many rows (PostgreSQL chooses when it plans).
 *
 * Neither may become a join. A join may read this table first, before `c` has set the tenant; its policy would then show no entry, and
 * a denial that is not seen is none. `array(select …)` is never pulled up, nor is EXISTS inside of IS TRUE; both are run when a row of
 * the outer table, which `c` comes before, asks for them.
 */
export function printListed(
  { effect, model, action, subjects }: ListedCondition,
  resource: ResourceInfo,
  statement: Statement,
  alias: string,
): string {
  const id = fieldOf(resource, 'id')
  const entries =
    'from plinth.acl_entries e where e.tenant_id = (select $1::uuid)' +
    ` and e.subject = any(${statement.add(arrayLiteral(subjects))}::text::text[])` +
    ` and e.model = ${statement.add(model)}::text and e.action in (${statement.add(action)}::text, '*')`
  if (effect === 'deny')
    return `((exists (select ${entries} and e.effect = 'deny' and e.record_id = ${alias}.id::text collate "C")) is true)`
  const { compare, family } = columnType(id.column)
  // Of a text key the collation is the key's own, or its index would not serve.
  const key = family === 'text' ? 'e.record_id collate "default"' : compare('e.record_id')
  const ids = `array(select ${key} ${entries} and e.effect = 'allow' and e.record_id is not null)`
  return `(${alias}.id = any(${ids}))`
}
