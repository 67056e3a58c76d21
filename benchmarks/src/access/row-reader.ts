import type postgres from 'postgres'
import type { ServerSetting } from '../servers/messages.ts'
import { casbinEnforcer } from './casbin.ts'
import { caslAbility, caslMayRead } from './casl.ts'
import { LISTED } from './rules.ts'

/** Whether somebody may read a row; the one person of each tenant is called as the tenant. */
export type RowReader = (person: string, id: string) => boolean

/** What decides in a server of the comparison; undefined where nobody asks. Rules are read once: peers pay nothing for news. */
export async function rowReader(setting: ServerSetting, sql: postgres.Sql): Promise<RowReader | undefined> {
  const { variant, tenants } = setting
  if (variant !== 'casl' && variant !== 'casbin') return undefined
  const listed = new Map<string, readonly string[]>()
  for (const { id } of tenants) listed.set(id, await listedRows(sql, id))
  if (variant === 'casbin') {
    const enforcer = await casbinEnforcer(listed)
    return (person, id) => enforcer.enforceSync(person, 'project', id, 'read')
  }
  const abilities = new Map([...listed].map(([person, ids]) => [person, caslAbility(ids)]))
  return (person, id) => caslMayRead(abilities.get(person)!, id)
}

/** The rows of a tenant that are on the list: most of them, chosen by chance (ids are random). */
export async function listedRows(sql: postgres.Sql, tenant: string): Promise<readonly string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from projects where tenant_id = ${tenant}::uuid order by id limit ${LISTED}`
  return rows.map((row) => row.id)
}
