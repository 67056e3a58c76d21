import type { CatalogConstraint } from './catalog.ts'
import type { DeclaredForeignKey } from './declared-table.ts'

/** The same columns to the same columns; the name says nothing. */
export function isForeignKey(one: CatalogConstraint, key: DeclaredForeignKey): boolean {
  return (
    one.kind === 'foreign' &&
    one.foreignSchema === key.foreignSchema &&
    one.foreignTable === key.foreignTable &&
    sameList(one.columns, key.columns) &&
    sameList(one.foreignColumns, key.foreignColumns)
  )
}

export function sameList(left: readonly (string | null)[], right: readonly (string | null)[]): boolean {
  return left.length === right.length && left.every((value, at) => value === right[at])
}
