import { fieldOf, type ListedCondition, type ResourceInfo } from '@plinth/core'
import { columnType } from '../statements/column-types.ts'
import { arrayLiteral } from '../statements/quote.ts'
import type { Statement } from '../statements/statement.ts'

/** What a condition is asked of: one row that is named by its id, or whichever rows there are. */
export type AskedOf = 'one row' | 'rows'

/**
 * Whether entries of the ACL name the row. The statement's first parameter is its tenant; the table has a policy of its own beside.
 *
 * For a list, allowed rows are an array of ids, so that the key serves: with `own` beside it the planner joins two bitmaps. Everywhere
 * else each row is looked for in the index by record: of one row (10,000 ids gathered for it took 7 ms, this takes some µs), of denied
 * ones, and of allowed ones that are so many that a list meets them soon in its own order. It is no EXISTS, which the planner would
 * answer from a hash of all entries.
 *
 * Neither may become a join. A join may read this table first, before `c` has set the tenant; its policy would then show no entry, and
 * a denial that is not seen is none. `array(select …)` is never pulled up, nor is a sub-select that stands for a value; both are run when
 * a row of the outer table, which `c` comes before, asks for them.
 */
export function printListed(
  { effect, model, action, subjects, many = false }: ListedCondition,
  resource: ResourceInfo,
  statement: Statement,
  alias: string,
  of: AskedOf,
): string {
  const id = fieldOf(resource, 'id')
  const entries =
    'from plinth.acl_entries e where e.tenant_id = (select $1::uuid)' +
    ` and e.subject = any(${statement.add(arrayLiteral(subjects))}::text[])` +
    ` and e.model = ${statement.add(model)}::text and e.action in (${statement.add(action)}::text, '*')`
  if (effect === 'deny' || many || of === 'one row')
    return `((select true ${entries} and e.effect = '${effect}' and e.record_id = ${alias}.id::text collate "C" limit 1) is true)`
  const { compare, family } = columnType(id.column)
  // Of a text key the collation is the key's own, or its index would not serve.
  const key = family === 'text' ? 'e.record_id collate "default"' : compare('e.record_id')
  const ids = `array(select ${key} ${entries} and e.effect = 'allow' and e.record_id is not null)`
  return `(${alias}.id = any(${ids}))`
}
