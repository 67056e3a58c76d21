import { statement, type Principal, type RawRow, type Transaction } from '@plinth/core'
import { z } from 'zod'

export const apiKeySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    keyPrefix: z.string().describe('How the key begins; the rest is known to its holder alone'),
    role: z.string().nullable().describe('Null for a key of a service'),
    ipRanges: z.array(z.string()),
    rateLimit: z.object({ requests: z.int(), seconds: z.int() }).nullable(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    lastUsedAt: z.iso.datetime().nullable().describe('To the minute'),
  })
  .meta({ id: 'OwnApiKey' })

export type OwnKey = z.output<typeof apiKeySchema>

export const apiKeyExample: OwnKey = {
  id: '0198f0a6-6f0e-4a56-9a6e-0f8a2c1f3b11',
  name: 'Nightly export',
  keyPrefix: 'plk_4kTq9Zx2',
  role: 'read_only',
  ipRanges: ['203.0.113.0/24'],
  rateLimit: { requests: 100, seconds: 60 },
  createdAt: '2026-01-31T12:00:00.000Z',
  expiresAt: null,
  lastUsedAt: '2026-01-31T13:37:00.000Z',
}

/** Living keys of a service in the tenant of the transaction. */
export function keysOfService(transaction: Transaction, serviceAccountId: string): Promise<readonly OwnKey[]> {
  return livingKeys(transaction, { ownerId: null, keyId: null, serviceAccountId })
}

/**
 * Living keys in the tenant of the transaction that are the caller's: of a person those that he made, of a key itself. Nothing else
 * has any.
 */
export function ownKeys(transaction: Transaction, principal: Principal): Promise<readonly OwnKey[]> {
  const ownerId = principal.kind === 'user' ? principal.id : null
  const keyId = principal.session?.credential === 'apiKey' ? principal.session.id : null
  return livingKeys(transaction, { ownerId: keyId === null ? ownerId : null, keyId, serviceAccountId: null })
}

async function livingKeys(
  transaction: Transaction,
  of: Readonly<Record<'ownerId' | 'keyId' | 'serviceAccountId', string | null>>,
): Promise<readonly OwnKey[]> {
  const rows = await transaction.run(statement`
    select id, name, key_prefix, role, ip_ranges::text as ip_ranges, rate_requests, rate_seconds,
      extract(epoch from created_at)::float8 * 1000 as created_at,
      extract(epoch from expires_at)::float8 * 1000 as expires_at,
      extract(epoch from last_used_at)::float8 * 1000 as last_used_at
    from plinth.api_keys
    where revoked_at is null and (owner_user_id = ${of.ownerId}::text::uuid or id = ${of.keyId}::text::uuid
      or service_account_id = ${of.serviceAccountId}::text::uuid)
    order by created_at desc, id`)
  return rows.map(keyOf)
}

function keyOf(row: RawRow): OwnKey {
  const time = (name: string): string | null => (row[name] === null ? null : new Date(Number(row[name])).toISOString())
  return {
    id: String(row['id']),
    name: String(row['name']),
    keyPrefix: String(row['key_prefix']),
    role: row['role'] === null ? null : String(row['role']),
    ipRanges: JSON.parse(String(row['ip_ranges'])) as string[],
    rateLimit:
      row['rate_requests'] === null
        ? null
        : { requests: Number(row['rate_requests']), seconds: Number(row['rate_seconds']) },
    createdAt: time('created_at')!,
    expiresAt: time('expires_at'),
    lastUsedAt: time('last_used_at'),
  }
}
