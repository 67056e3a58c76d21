import { createHash } from 'node:crypto'
import { isoTime, jsonAnswer, statement, type RawRow, type StatementRunner, type TextAnswer } from '@plinth/core'
import { z } from 'zod'
import { tenantOf } from '../directory/tenant-of.ts'
import { tenantSchema } from '../directory/tenant-schema.ts'

/** A tenant as its members and the operator see it. */
export const tenantDetails = tenantSchema
  .extend({
    plan: z.string().nullable(),
    tier: z.string().nullable(),
    version: z.int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    deleteAfter: z.iso.datetime().nullable().describe('When a tenant that is pending deletion goes for good'),
  })
  .meta({ id: 'TenantDetails' })

const columnsMark = createHash('sha256').update('tenant details').digest('hex').slice(0, 6)

export function tenantEtag(row: RawRow): string {
  return `"${String(row['version'])}-${columnsMark}"`
}

export function detailsOf(row: RawRow): z.input<typeof tenantDetails> {
  const time = (value: unknown): string => isoTime(String(value))
  return {
    ...tenantOf(row),
    plan: row['plan'] === null ? null : String(row['plan']),
    tier: row['tier'] === null ? null : String(row['tier']),
    version: Number(row['version']),
    createdAt: time(row['created_at']),
    updatedAt: time(row['updated_at']),
    deleteAfter: row['delete_after'] === null ? null : time(row['delete_after']),
  }
}

export function tenantAnswer(
  status: 200 | 201,
  row: RawRow,
  headers: Readonly<Record<string, string>> = {},
): TextAnswer {
  return jsonAnswer(status, JSON.stringify(detailsOf(row)), { etag: tenantEtag(row), ...headers })
}

/** Locked, for a change; in the order of all changes: before the members. */
export async function lockTenant(system: StatementRunner, tenantId: string): Promise<RawRow | undefined> {
  await system.run(statement`select id from plinth.tenants where id = ${tenantId}::uuid for update`)
  return readTenant(system, tenantId)
}

export async function readTenant(system: StatementRunner, tenantId: string): Promise<RawRow | undefined> {
  const [row] = await system.run(statement`
    select id, slug, name, status, require_mfa, plan, tier, version, created_at, updated_at, delete_after
    from plinth.tenants where id = ${tenantId}::uuid`)
  return row
}
