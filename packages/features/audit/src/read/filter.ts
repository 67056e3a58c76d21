import { problem, statement, type FixedStatement, type InputFault, type QueryParameter } from '@plinth/core'
import { z } from 'zod'

/** Which entries are asked for; what is left out means all. */
export interface EntryFilter {
  readonly actor?: string | undefined
  readonly action?: string | undefined
  /** An id, or with its kind before it: `site:<id>`. */
  readonly target?: string | undefined
  readonly outcome?: 'success' | 'denied' | 'failed' | undefined
  readonly requestId?: string | undefined
  /** From this time on. */
  readonly since?: string | undefined
  /** Before this time. */
  readonly until?: string | undefined
}

const time = z.iso.datetime({ offset: true })

export const filterSchema = z.strictObject({
  actor: z.string().min(1).max(200).optional().describe('Id of who did it'),
  action: z.string().min(1).max(200).optional().describe('`site.updated`'),
  target: z.string().min(1).max(500).optional().describe('What it was done to: an id, or `site:<id>`'),
  outcome: z.enum(['success', 'denied', 'failed']).optional(),
  requestId: z.string().min(1).max(200).optional(),
  since: time.optional().describe('From this time on'),
  until: time.optional().describe('Before this time'),
})

/** Of the query, for OpenAPI. */
export const filterParameters: readonly QueryParameter[] = Object.entries(filterSchema.shape).map(([name, schema]) => ({
  name,
  description: schema.description ?? 'How it ended, or the request that it was part of',
  schema,
}))

export const filterNames = Object.keys(filterSchema.shape)

/** @throws invalid_query */
export function readFilter(given: ReadonlyMap<string, string>): EntryFilter {
  const parsed = filterSchema.safeParse(Object.fromEntries([...given].filter(([name]) => filterNames.includes(name))))
  if (parsed.success) return parsed.data
  const errors: InputFault[] = parsed.error.issues.map((issue) => ({
    path: `?${issue.path.join('.')}`,
    code: 'invalid_value',
    message: issue.message,
  }))
  throw problem('invalid_query', { errors })
}

/** What a cursor and an entry about reading say of a filter. */
export function filterText(filter: EntryFilter): string {
  return JSON.stringify(filterNames.map((name) => filter[name as keyof EntryFilter] ?? null))
}

export interface EntryRange {
  /** Numbers above this one; without it, all. */
  readonly after?: string | undefined
  /** Numbers below this one. */
  readonly before?: string | undefined
  readonly limit: number
}

/** Runs in a tenant's transaction: row-level security decides whose book it is. Newest first. */
export function newestEntries(tenantId: string, filter: EntryFilter, { before, limit }: EntryRange): FixedStatement {
  const { actor = null, action = null, outcome = null, requestId = null, since = null, until = null } = filter
  const { kind, id } = targetOf(filter)
  return statement`
    select seq, id, to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as occurred_at, actor_kind, actor_id,
      on_behalf_of, action, target_type, target_id, outcome, request_id, repeated, changes, detail, origin, personal, hash, mac
    from plinth.audit_logs
    where tenant_id = ${tenantId}::uuid
      and (${actor}::text is null or actor_id = ${actor}::text) and (${action}::text is null or action = ${action}::text)
      and (${kind}::text is null or target_type = ${kind}::text) and (${id}::text is null or target_id = ${id}::text)
      and (${outcome}::text is null or outcome = ${outcome}::text) and (${requestId}::text is null or request_id = ${requestId}::text)
      and (${since}::text is null or occurred_at >= ${since}::text::timestamptz)
      and (${until}::text is null or occurred_at < ${until}::text::timestamptz)
      and (${before ?? null}::text is null or seq < ${before ?? null}::text::bigint)
    order by seq desc limit ${limit}::int`
}

/** The same, oldest first. */
export function oldestEntries(tenantId: string, filter: EntryFilter, { after, limit }: EntryRange): FixedStatement {
  const { actor = null, action = null, outcome = null, requestId = null, since = null, until = null } = filter
  const { kind, id } = targetOf(filter)
  return statement`
    select seq, id, to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as occurred_at, actor_kind, actor_id,
      on_behalf_of, action, target_type, target_id, outcome, request_id, repeated, changes, detail, origin, personal, hash, mac
    from plinth.audit_logs
    where tenant_id = ${tenantId}::uuid
      and (${actor}::text is null or actor_id = ${actor}::text) and (${action}::text is null or action = ${action}::text)
      and (${kind}::text is null or target_type = ${kind}::text) and (${id}::text is null or target_id = ${id}::text)
      and (${outcome}::text is null or outcome = ${outcome}::text) and (${requestId}::text is null or request_id = ${requestId}::text)
      and (${since}::text is null or occurred_at >= ${since}::text::timestamptz)
      and (${until}::text is null or occurred_at < ${until}::text::timestamptz)
      and (${after ?? null}::text is null or seq > ${after ?? null}::text::bigint)
    order by seq limit ${limit}::int`
}

function targetOf({ target }: EntryFilter): { readonly kind: string | null; readonly id: string | null } {
  if (target === undefined) return { kind: null, id: null }
  const colon = target.indexOf(':')
  return colon < 0 ? { kind: null, id: target } : { kind: target.slice(0, colon), id: target.slice(colon + 1) }
}
