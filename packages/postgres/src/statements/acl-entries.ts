import type { AclOperation, PermissionNumbers, ResourceInfo, Scope } from '@plinth/core'
import { arrayLiteral, literal } from './quote.ts'
import { BARRIER } from './read.ts'
import { scopeClause, scopedStatement } from './scope-clause.ts'
import type { Printed } from './statement.ts'

/** Which entries of the ACL name these rows, for these subjects. */
export function printAclEntries({ models, subjects, recordIds, everything }: AclOperation, scope: Scope): Printed {
  const statement = scopedStatement(scope, false)
  const of = (column: string, texts: readonly string[]): string =>
    `e.${column} = any(${statement.add(arrayLiteral(texts))}::text[])`
  const rows = of('record_id', recordIds)
  const named = everything ? `(${rows} or e.record_id is null)` : rows
  const where = `${of('model', models)} and ${named} and ${of('subject', subjects)}`
  const columns = 'e.id, e.model, e.action, e.record_id as "recordId", e.subject, e.effect'
  const text = `${scopeClause(false)} select e.* from c cross join lateral (select ${columns} from plinth.acl_entries e where c.t is not null and e.tenant_id = $1::uuid and ${where} order by e.id${BARRIER}) e`
  return { text, parameters: statement.parameters, shape: 'fixed' }
}

/**
 * The part of a deletion, behind its `n`, that takes the entries about its rows along: an entry about a row that is gone could only
 * mean something again by accident, under a key that somebody chose. They go in silence, as what a foreign key takes along does.
 */
export function entriesGone(permissions: PermissionNumbers): (resource: ResourceInfo) => string {
  const models = new Set(permissions.names.map((name) => name.slice(0, name.indexOf(':'))))
  return ({ name }) => {
    // Those of its fields (`employee.salary`) are about the same rows.
    const own = [...models].filter((model) => model === name || model.startsWith(`${name}.`))
    return `, gone as (delete from plinth.acl_entries e using n where e.tenant_id = $1::uuid and e.model = any(${literal(arrayLiteral(own))}::text[]) and e.record_id = n.id::text)`
  }
}
