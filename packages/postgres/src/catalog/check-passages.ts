import type { Finding } from '@plinth/core'
import { tableInSql } from '../migrate/print-table.ts'
import type { SecuredTable } from '../migrate/secure-table.ts'
import { identifier } from '../statements/quote.ts'
import type { Catalog, CatalogFunction, CatalogView } from './catalog.ts'
import type { Runtime } from './check-tenant-table.ts'
import { faultInSql } from './fault.ts'

/** Where Plinth is at home: what stands there is reported whoever may use it. */
const home = new Set(['plinth', 'public'])

/** Ways around row-level security: views and functions that run with the rights of their owner. */
export function checkPassages(catalog: Catalog, declared: readonly SecuredTable[], runtime: Runtime): Finding[] {
  const guarded = new Set(declared.map((table) => `${table.schema}.${table.name}`))
  for (const table of catalog.tables) if (table.schema === 'plinth') guarded.add(`plinth.${table.name}`)
  return [
    ...catalog.views
      .filter((view) => view.reads.some((one) => guarded.has(`${one.schema}.${one.name}`)))
      .flatMap((view) => checkView(view, runtime)),
    ...catalog.functions.flatMap(checkFunction),
  ]
}

function checkView(view: CatalogView, { roles, grantees }: Runtime): Finding[] {
  const reachable = view.grants.some((grant) => grantees.has(grant.grantee)) || grantees.has(view.owner)
  const path = `view ${view.schema}.${view.name}`
  const tables = view.reads.map((one) => one.name).join(', ')
  if (view.materialized) {
    // Has no policies and keeps the rows of whoever refreshed it. Out of reach it is somebody's report.
    if (!reachable) return []
    return [
      faultInSql(
        'view_materialized',
        path,
        `is materialized and holds rows of every tenant of ${tables}`,
        `revoke all on ${tableInSql(view)} from ${identifier(roles.app)}, public;`,
      ),
    ]
  }
  if (view.securityInvoker || !(reachable || home.has(view.schema))) return []
  return [
    faultInSql(
      'view_owner_rights',
      path,
      `reads ${tables} with the rights of its owner ${view.owner}, past the policies of whoever asks`,
      `alter view ${tableInSql(view)} set (security_invoker = true);`,
    ),
  ]
}

/** Without a fixed search_path the caller chooses what its unqualified names mean, and it runs with its owner's rights. */
function checkFunction(found: CatalogFunction): Finding[] {
  if (!found.securityDefiner || found.extension || !home.has(found.schema)) return []
  if (found.settings.some((setting) => setting.startsWith('search_path='))) return []
  const signature = `${tableInSql(found)}(${found.arguments})`
  return [
    faultInSql(
      'function_search_path',
      `function ${found.schema}.${found.name}(${found.arguments})`,
      `is SECURITY DEFINER (${found.owner}) without a search_path of its own`,
      `alter function ${signature} set search_path = pg_catalog, pg_temp;`,
    ),
  ]
}
