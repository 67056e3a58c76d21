import { is, SQL } from 'drizzle-orm'
import { toStored, type FieldInfo, type Stored } from '@plinth/core'

/** Calls a column's `$defaultFn` or `$onUpdate` and gives the value in the form in which it is stored. */
export function madeValue(field: FieldInfo, make: (() => unknown) | undefined): Stored {
  const value = make?.()
  if (is(value, SQL)) {
    throw new Error(`${field.key}: $defaultFn and $onUpdate must return a value; for SQL use .default(sql\`…\`)`)
  }
  return value === null || value === undefined ? null : toStored(field, field.kind.toJson(value))
}
