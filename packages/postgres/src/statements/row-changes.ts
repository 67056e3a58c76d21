import type { FieldInfo, ResourceInfo } from '@plinth/core'
import { columnType } from './column-types.ts'
import { identifier, literal } from './quote.ts'

/*
 * What a write changed of the fields that `rowJson` masks or leaves out. Values are compared as texts: `json` and a few others have no
 * equality.
 */

export type Change = 'create' | 'update' | 'delete'

/** Names of the secret, hidden and restricted fields that changed, as a jsonb list; NULL where there are none. */
export function maskedChanges(resource: ResourceInfo, kind: Change): string {
  const fields = resource.fields.filter((field) => field.key !== 'tenantId' && isUnseen(field))
  if (fields.length === 0) return 'null::jsonb'
  const names = fields.map((field) => `case when ${changed(field, kind)} then ${literal(field.key)} end`)
  return `(select nullif(to_jsonb(array_remove(array[${names.join(', ')}]::text[], null)), '[]'::jsonb))`
}

/** Personal fields that changed, `{ "email": [before, after] }`; NULL where there are none. In the clear. */
export function personalChanges(resource: ResourceInfo, kind: Change): string {
  const fields = resource.fields.filter((field) => field.personal !== undefined && !isUnseen(field))
  if (fields.length === 0) return 'null::jsonb'
  const values = fields.map((field) => {
    const [before, after] = [
      kind === 'create' ? 'null' : value(field, 'b'),
      kind === 'delete' ? 'null' : value(field, 'n'),
    ]
    return `case when ${changed(field, kind)} then jsonb_build_array(${before}, ${after}) end as ${identifier(field.key)}`
  })
  // A sub-select and not jsonb_build_object: a function takes at most 100 arguments.
  return `(select nullif(jsonb_strip_nulls(to_jsonb(j)), '{}'::jsonb) from (select ${values.join(', ')}) j)`
}

function isUnseen({ secret, hidden, readRestricted }: FieldInfo): boolean {
  return secret || hidden || readRestricted
}

function changed(field: FieldInfo, kind: Change): string {
  const column = identifier(field.sqlName)
  if (kind === 'update') return `b.${column}::text is distinct from n.${column}::text`
  return `${kind === 'create' ? 'n' : 'b'}.${column} is not null`
}

function value(field: FieldInfo, alias: string): string {
  const column = `${alias}.${identifier(field.sqlName)}`
  return field.kind.compares === 'decimal' || columnType(field.column).padded ? `${column}::text` : column
}
