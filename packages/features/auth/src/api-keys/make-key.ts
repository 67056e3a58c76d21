import { problem, statement, type Scope, type SystemTransaction } from '@plinth/core'
import { randomUUID } from 'node:crypto'
import { makeApiKey, type MadeApiKey } from './key-format.ts'
import type { KeyDraft } from './key-input.ts'

const MOST_KEYS = 100

/** Who is to have it: a member of the tenant, or a service of it. */
export type KeyHolder = { readonly userId: string } | { readonly serviceAccountId: string }

/**
 * A new key. Its holder is held meanwhile: who is removed or disabled at this moment leaves no key behind that would work again on the
 * day when he comes back.
 * @throws tenant_forbidden where he is no member; conflict where the service is disabled, or where there are a hundred
 */
export async function makeKey(
  system: SystemTransaction,
  { tenantId, now }: Scope,
  holder: KeyHolder,
  draft: Omit<KeyDraft, 'role'> & { readonly role: string | null },
): Promise<MadeApiKey & { readonly id: string }> {
  const userId = 'userId' in holder ? holder.userId : null
  const serviceAccountId = 'serviceAccountId' in holder ? holder.serviceAccountId : null
  if (userId !== null) await holdMember(system, tenantId, userId)
  if (serviceAccountId !== null) await holdService(system, tenantId, serviceAccountId)
  const id = randomUUID()
  const made = makeApiKey()
  const [row] = await system.run(statement`
    insert into plinth.api_keys (tenant_id, id, owner_user_id, service_account_id, created_at, updated_at, name, key_prefix, role,
      expires_at, ip_ranges, rate_requests, rate_seconds, unproven)
    select ${tenantId}::uuid, ${id}::uuid, ${userId}::uuid, ${serviceAccountId}::uuid, ${now}::text::timestamptz,
      ${now}::text::timestamptz, ${draft.name}::text, ${made.keyPrefix}::text, ${draft.role}::text, ${draft.expiresAt}::text::timestamptz,
      ${JSON.stringify(draft.ipRanges)}::text::jsonb, ${draft.rate?.capacity ?? null}::int, ${draft.rate?.windowSeconds ?? null}::int,
      exists (select from plinth.users where id = ${userId}::uuid and email is not null and email_verified_at is null)
    where (select count(*) from plinth.api_keys
      where tenant_id = ${tenantId}::uuid and revoked_at is null
        and (owner_user_id = ${userId}::uuid or service_account_id = ${serviceAccountId}::uuid)) < ${MOST_KEYS}::int
    returning id`)
  if (!row) throw problem('conflict', { detail: `${MOST_KEYS} keys are the most. Revoke one first.` })
  await addSecret(system, id, made, now)
  return { ...made, id }
}

async function holdMember(system: SystemTransaction, tenantId: string, userId: string): Promise<void> {
  // In the order in which members are changed, or the two would wait for each other.
  await system.run(statement`select id from plinth.users where id = ${userId}::uuid for key share`)
  await system.run(statement`select id from plinth.tenants where id = ${tenantId}::uuid for key share`)
  const [member] = await system.run(statement`
    select id from plinth.memberships
    where tenant_id = ${tenantId}::uuid and user_id = ${userId}::uuid and status = 'active' for share`)
  if (!member) throw problem('tenant_forbidden')
}

async function holdService(system: SystemTransaction, tenantId: string, id: string): Promise<void> {
  const [service] = await system.run(statement`
    select id from plinth.service_accounts
    where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and disabled_at is null for share`)
  if (!service) throw problem('conflict', { detail: 'The service is disabled.' })
}

/**
 * Another secret for the same key. The one before works until the overlap is over; of those before that one, none.
 * @param seconds 0: the old one ends at once
 */
export async function renewKey(
  system: SystemTransaction,
  { tenantId, now }: Scope,
  id: string,
  seconds: number,
): Promise<MadeApiKey> {
  const until = new Date(now.getTime() + seconds * 1000)
  const made = makeApiKey()
  await system.run(statement`
    update plinth.api_keys set key_prefix = ${made.keyPrefix}::text, updated_at = ${now}::text::timestamptz, version = version + 1
    where tenant_id = ${tenantId}::uuid and id = ${id}::uuid`)
  await system.run(statement`
    delete from plinth.api_key_secrets where key_id = ${id}::uuid and (expires_at is not null or ${seconds}::int = 0)`)
  await system.run(statement`
    update plinth.api_key_secrets set expires_at = ${until}::text::timestamptz where key_id = ${id}::uuid`)
  await addSecret(system, id, made, now)
  return made
}

async function addSecret(system: SystemTransaction, id: string, { hash }: MadeApiKey, now: Date): Promise<void> {
  await system.run(statement`
    insert into plinth.api_key_secrets (key_hash, key_id, created_at)
    values (${hash}::text, ${id}::uuid, ${now}::text::timestamptz)`)
}
