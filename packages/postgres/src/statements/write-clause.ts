import { scopeClause, scopedStatement } from './scope-clause.ts'
import type { Scope } from '@plinth/core'
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

/** @param withFacts whether two settings more stand before them */
export function writeNames(withFacts: boolean): WriteNames {
  const first = withFacts ? 5 : 3
  return {
    tenantId: '$1::uuid',
    id: `$${first}::uuid`,
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
  id: string,
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
  return { statement, head: heads[`${withFacts}-${recorded}`] }
}

function head(withFacts: boolean, recorded: boolean): string {
  const names = writeNames(withFacts)
  const used = recorded ? Object.values(names).slice(1) : [names.id, names.now]
  return `${scopeClause(withFacts)}, w as (select ${used.join(', ')})`
}

const heads: Readonly<Record<`${boolean}-${boolean}`, string>> = {
  'false-false': head(false, false),
  'false-true': head(false, true),
  'true-false': head(true, false),
  'true-true': head(true, true),
}
