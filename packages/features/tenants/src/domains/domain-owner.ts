import { statement, type StatementRunner } from '@plinth/core'
import { domainOf } from '../mail-address.ts'

/** Whether all of these addresses are in domains that are proven to be the tenant's. */
export async function ownsAddresses(
  system: StatementRunner,
  tenantId: string,
  addresses: readonly string[],
): Promise<boolean> {
  const wanted = [...new Set(addresses.map(domainOf))]
  const [row] = await system.run(statement`
    select count(*)::int as n from plinth.verified_domains
    where tenant_id = ${tenantId}::uuid and domain = any (${wanted}::text[])`)
  return wanted.length > 0 && row?.['n'] === wanted.length
}

/** The tenant that people with this address join by themselves. */
export async function tenantToJoin(
  system: StatementRunner,
  userId: string,
  address: string,
): Promise<string | undefined> {
  const [row] = await system.run(statement`
    select v.tenant_id from plinth.verified_domains v
    join plinth.domains d on d.tenant_id = v.tenant_id and d.id = v.domain_id
    join plinth.tenants t on t.id = v.tenant_id
    where v.domain = ${domainOf(address)}::text and d.auto_join and t.status = 'active'
      and not exists (select from plinth.parted_members p where p.tenant_id = t.id and p.user_id = ${userId}::uuid)`)
  return row && String(row['tenant_id'])
}
