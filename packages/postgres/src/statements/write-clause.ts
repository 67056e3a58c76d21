import { scopeClause, scopedStatement } from './scope-clause.ts'
import type { Scope } from '@plinth/core'
import type { ColumnType } from './column-types.ts'
import type { Statement } from './statement.ts'

/** What stands at fixed places in every generated write, so that records and events can be printed once, at start. */
export interface WriteNames {
  readonly tenantId: string
  readonly id: string
  readonly now: string
  readonly actorKind: string
  readonly actorId: string
  readonly requestId: string
  readonly event: string
}

/**
 * @param withFacts whether two settings more stand before them
 * @param key turns the placeholder of the id into the type of the table's key
 */
export function writeNames(withFacts: boolean, key: (placeholder: string) => string): WriteNames {
  const first = withFacts ? 5 : 3
  return {
    tenantId: '$1::uuid',
    id: key(`$${first}`),
    now: `$${first + 1}::text::timestamp with time zone`,
    actorKind: `$${first + 2}::text`,
    actorId: `$${first + 3}::text`,
    requestId: `$${first + 4}::text`,
    event: `$${first + 5}::text`,
  }
}

/**
 * The first CTEs and parameters of a write. PostgreSQL refuses a parameter that stands nowhere in the text, so `w` names them
 * all; who, where and what for only where something is recorded.
 */
export function beginWrite(
  scope: Scope,
  id: string | null,
  key: ColumnType['compare'],
  event: string,
  withFacts: boolean,
  recorded: boolean,
): { readonly statement: Statement; readonly head: string } {
  const statement = scopedStatement(scope, withFacts)
  statement.add(id)
  statement.add(scope.now.toISOString())
  if (recorded) {
    statement.add(scope.actor.kind)
    statement.add(scope.actor.id)
    statement.add(scope.requestId)
    statement.add(event)
  }
  return { statement, head: headOf(withFacts, recorded, key) }
}

const heads = new Map<string, string>()

/** One for each kind of key: a handful, kept. */
function headOf(withFacts: boolean, recorded: boolean, key: ColumnType['compare']): string {
  const kept = `${withFacts} ${recorded} ${key('')}`
  const known = heads.get(kept)
  if (known !== undefined) return known
  const names = writeNames(withFacts, key)
  const used = recorded ? Object.values(names).slice(1) : [names.id, names.now]
  const made = `${scopeClause(withFacts)}, w as (select ${used.join(', ')})`
  heads.set(kept, made)
  return made
}
