import { PlinthError } from '@plinth/core'
import { z } from 'zod'
import { tenancyErrors } from '../tenancy-errors.ts'

/*
 * An archive is gzip over lines of JSON. A line that begins with `{` says what follows, one that begins with `[` is a row:
 *
 *   {"plinth":"tenant archive","format":1,"varies":["exported", …],"tenant":{…}}
 *   {"exported":{"at":"…","by":"…","passphrase":null}}
 *   {"table":"plinth.users","key":["id"],"columns":[["email","text"],…]}
 *   ["ada@example.com",…]
 *   {"end":"plinth.users","rows":1,"sha256":"…"}
 *   …
 *   {"end":"archive","tables":9,"rows":1234,"left":{},"sha256":"…"}
 *
 * Each table's digest is over its lines from the first to the last row, that of the end over all lines before it but the second.
 */

export const FORMAT = 1
export const USERS = 'plinth.users'

/** What an archive may be at most. A row that is longer is not exported either. */
export const limits = {
  /** Characters of a line. */
  line: 33_554_432,
  /** Bytes of all lines, 64 GiB: what is packed smaller than it is (a bomb) ends here, and costs time and no memory. */
  bytes: 68_719_476_736,
  rows: 200_000_000,
  tables: 2_000,
  columns: 1_600,
  users: 1_000_000,
} as const

const text = (most: number): z.ZodString => z.string().max(most)
/** As the API has it for names of people and of tenants. */
export const NAME_LENGTH = 200
const time = text(60).refine(isTime, 'This is no time')
const digest = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.int().min(0)

export const archivedTenant = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/),
  slug: text(63),
  name: text(NAME_LENGTH).regex(/\S/),
  status: z.enum(['active', 'suspended', 'closed', 'pending_deletion']),
  requireMfa: z.boolean(),
  plan: text(1_000).nullable(),
  tier: text(1_000).nullable(),
  version: z.int().min(1).max(2_147_483_647),
  createdAt: time,
  updatedAt: time,
})
export type ArchivedTenant = z.output<typeof archivedTenant>

export const headLine = z.strictObject({
  plinth: z.literal('tenant archive'),
  format: z.literal(FORMAT),
  varies: z.array(text(200)).max(limits.columns),
  tenant: archivedTenant,
})
export type Head = z.output<typeof headLine>

export const exportedLine = z.strictObject({
  exported: z.strictObject({
    at: time,
    by: text(500),
    passphrase: z.strictObject({ salt: text(100), proof: text(500) }).nullable(),
  }),
})
export type Exported = z.output<typeof exportedLine>['exported']

export const tableLine = z.strictObject({
  table: text(200),
  key: z.array(text(63)).max(32),
  columns: z.array(z.tuple([text(63), text(300)])).max(limits.columns),
})
export type Section = z.output<typeof tableLine>

export const tableEnd = z.strictObject({ end: text(200), rows: count, sha256: digest })

export const archiveEnd = z.strictObject({
  end: z.literal('archive'),
  tables: count,
  rows: count,
  /** Rows that were left out for want of a passphrase, by table. */
  left: z.record(text(200), count),
  sha256: digest,
})

/** Columns of the users, who are no table of a tenant: who somebody is, and nothing by which he signs in. */
export const userColumns: Section['columns'] = [
  ['email', 'text'],
  ['email_verified_at', 'timestamp with time zone'],
  ['id', 'uuid'],
  ['name', 'text'],
  ['status', 'text'],
  ['username', 'text'],
]

/** Whether it is a time that there is, as PostgreSQL or ISO 8601 writes it: of 31 February the database would make a fault of its own. */
export function isTime(written: string): boolean {
  const parts = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.\d{1,6})?(?:Z|[+-](\d\d)(?::(\d\d))?)$/.exec(
    written,
  )
  if (!parts) return false
  const [year, month, day, hour, minute, second, hoursOff, minutesOff] = parts.slice(1).map((part) => Number(part ?? 0))
  const date = new Date(Date.UTC(year!, month! - 1, day))
  const there = date.getUTCFullYear() === year && date.getUTCMonth() === month! - 1 && date.getUTCDate() === day
  return there && hour! < 24 && minute! < 60 && second! < 60 && hoursOff! < 16 && minutesOff! < 60
}

/** An archive that is none, or that this platform does not take. */
export function archiveInvalid(detail: string, cause?: unknown): PlinthError {
  return new PlinthError('archive_invalid', tenancyErrors.archive_invalid, { detail, cause })
}
