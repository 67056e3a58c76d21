import { statement, type RawRow } from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'

/** A factor as its owner sees it. */
export const factorSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(['totp', 'passkey']),
    createdAt: z.iso.datetime(),
    confirmedAt: z.iso.datetime().nullable().describe('Null: waits to be confirmed, and counts for nothing'),
    lastUsedAt: z.iso.datetime().nullable(),
    synced: z.boolean().nullable().describe('Of a passkey: whether other devices of yours have it too'),
    refusedAt: z.iso
      .datetime()
      .nullable()
      .describe('Of a passkey: its counter went backwards, so there may be a copy of it; it is taken no more'),
  })
  .meta({ id: 'SecondFactor' })

export type Factor = z.output<typeof factorSchema>

export const factorExample: Factor = {
  id: '0198f0a6-6f0e-4a56-9a6e-0f8a2c1f3b11',
  name: 'Phone',
  kind: 'totp',
  createdAt: '2026-01-31T12:00:00.000Z',
  confirmedAt: '2026-01-31T12:01:00.000Z',
  lastUsedAt: null,
  synced: null,
  refusedAt: null,
}

/** The oldest first. */
export async function factorsOf({ platform }: Pick<Auth, 'platform'>, userId: string): Promise<readonly Factor[]> {
  const rows = await platform.database.system((system) =>
    system.run(statement`
      select id, name, kind, backed_up, extract(epoch from created_at)::float8 * 1000 as created_at,
        extract(epoch from confirmed_at)::float8 * 1000 as confirmed_at,
        extract(epoch from last_used_at)::float8 * 1000 as last_used_at,
        extract(epoch from refused_at)::float8 * 1000 as refused_at
      from plinth.mfa_devices where user_id = ${userId}::uuid order by created_at, id`),
  )
  return rows.map(factorOf)
}

function factorOf(row: RawRow): Factor {
  const time = (name: string): string | null => (row[name] === null ? null : new Date(Number(row[name])).toISOString())
  return {
    id: String(row['id']),
    name: String(row['name']),
    kind: row['kind'] === 'passkey' ? 'passkey' : 'totp',
    createdAt: time('created_at')!,
    confirmedAt: time('confirmed_at'),
    lastUsedAt: time('last_used_at'),
    synced: row['backed_up'] === null ? null : row['backed_up'] === true,
    refusedAt: time('refused_at'),
  }
}
