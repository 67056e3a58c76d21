import { closedView, shownMark, type Condition, type FieldInfo, type FieldView, type ResourceInfo } from '@plinth/core'

import { chosenColumns, columnValue } from './resource-sql.ts'
import { identifier } from './quote.ts'

/** The columns of a choice of fields as far as a view shows them. */
export interface ShownColumns {
  /** All that the text depends on beside the choice of fields: part of the key under which it is kept. */
  readonly key: string
  readonly print: () => string
}

/**
 * A field that is shown on no row is not read at all. One that is shown on some is read on these alone, with the mark that it is: the
 * value of another row never leaves the database.
 * @param needed read in any case: sort keys, id and version, which nobody is kept from
 * @param print the condition as SQL over `p`; its values are parameters of the statement
 */
export function shownColumns(
  resource: ResourceInfo,
  fields: readonly FieldInfo[],
  needed: readonly FieldInfo[],
  view: FieldView = closedView(resource),
  print: (condition: Condition) => string,
): ShownColumns {
  if (view.fields === resource.fields && view.perRow.size === 0)
    return { key: '', print: () => chosenColumns(resource, fields, needed) }
  const conditions = fields.flatMap((field) => {
    const condition = view.perRow.get(field.key)
    return condition ? [[field, print(condition)] as const] : []
  })
  const nowhere = fields.filter((field) => field.readRestricted && !view.fields.includes(field))
  // Not the view's own key: it holds the values of conditions, and each principal would have a text of his own.
  const key = ` but ${nowhere.map((field) => field.key).join()} ${conditions.map(([field, sql]) => field.key + sql).join()}`
  return {
    key,
    print: () => {
      const perRow = new Map(conditions)
      const shown = fields === resource.fields ? view.fields : fields.filter((field) => view.fields.includes(field))
      const plain = shown.filter((field) => !perRow.has(field))
      const marked = conditions.map(
        ([field, sql]) =>
          `case when ${sql} then ${columnValue('p', field)} end as ${identifier(field.key)}, (${sql}) is true as ${identifier(shownMark(field.key))}`,
      )
      return [chosenColumns(resource, plain, needed), ...marked].join(', ')
    },
  }
}
