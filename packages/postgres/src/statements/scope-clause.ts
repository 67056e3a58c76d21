import type { Scope } from '@plinth/core'
import { factSettings, TENANT_SETTING } from '../conditions/to-row-security.ts'
import type { Parameter } from '../drivers/driver.ts'
import { arrayLiteral } from './quote.ts'
import { Statement } from './statement.ts'

/**
 * Every statement begins with the CTE `c`, which sets the tenant for this transaction: $1 is the tenant, $2 the principal. The
 * rest of the statement depends on `c.t` inside its own where; outside of it nothing would force `c` to run first. The
 * role is the session's and is never set here: a policy is fixed at planning, before a statement could change the role
 * (tried: both tenants' rows came back).
 */
export function scopeClause(withFacts: boolean): string {
  return withFacts ? clauseWithFacts : clause
}

const setting = (name: string, value: string): string => `set_config('${name}', ${value}, true)`
const start = `with c as materialized (select ${setting(TENANT_SETTING, '$1::uuid::text')} t, ${setting(factSettings.principalId, '$2::text')} a`
const clause = `${start})`
const clauseWithFacts = `${start}, ${setting(factSettings.userId, '$3::text')} u, ${setting(factSettings.groupIds, '$4::text')} g)`

/** A statement with the parameters of `c` in place. */
export function scopedStatement(scope: Scope, withFacts: boolean): Statement {
  const parameters: Parameter[] = [scope.tenantId, scope.facts.principalId ?? '']
  // Only where a policy written in code reads them: two more settings are two more function calls in every statement.
  if (withFacts) parameters.push(scope.facts.userId ?? '', arrayLiteral(scope.facts.groupIds))
  return new Statement(parameters)
}
