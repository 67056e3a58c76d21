import { queryFilter, statement, timeInput, type FixedStatement } from '@plinth/core'
import { z } from 'zod'
import { entryColumns, MOST_BYTES, saidBefore } from '../verify/read-chain.ts'

const time = timeInput()

export const filterSchema = z.strictObject({
  actor: z.string().min(1).max(200).optional().describe('Id of who did it'),
  // `*` stands for all actions of a kind, as where events are asked for; anywhere else it would find nothing, without a word.
  action: z
    .string()
    .max(200)
    .regex(/^[^*]+$|^[^*.]+\.\*$/, 'Expected an action, or all of a kind: `site.updated`, `site.*`')
    .optional()
    .describe('`site.updated`, or `site.*`'),
  target: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe('What it was done to: an id, `site:<id>`, or `site` for all of a kind'),
  outcome: z.enum(['success', 'denied', 'failed']).optional().describe('How it ended'),
  requestId: z.string().min(1).max(200).optional().describe('The request that it was part of'),
  since: time.optional().describe('From this time on'),
  until: time.optional().describe('Before this time'),
})

/** Which entries are asked for; what is left out means all. */
export type EntryFilter = z.output<typeof filterSchema>

export const entryFilter = queryFilter(filterSchema)

export interface NewestEntries {
  /** Numbers below this one; without it, all. */
  readonly before: string | undefined
  /** To leave out. */
  readonly offset: number
  readonly limit: number
}

export interface OldestEntries {
  /** Numbers above this one; without it, all. */
  readonly after: string | undefined
  readonly limit: number
}

/** Runs in a tenant's transaction: row-level security decides whose book it is. Newest first. */
export function newestEntries(
  tenantId: string,
  filter: EntryFilter,
  { before, offset, limit }: NewestEntries,
): FixedStatement {
  return statement`
    select ${entryColumns}
    from plinth.audit_logs
    where ${matching(tenantId, filter)}
      and (${before ?? null}::text is null or seq < ${before ?? null}::text::bigint)
    order by seq desc limit ${limit}::int offset ${offset}::int`
}

/**
 * The same, oldest first; fewer where they have much to say: up to the entry that goes beyond 16 MiB. So there may be more behind as long as
 * there is one.
 */
export function oldestEntries(tenantId: string, filter: EntryFilter, { after, limit }: OldestEntries): FixedStatement {
  return statement`
    select ${entryColumns}
    from (
      select *, ${saidBefore}
      from plinth.audit_logs
      where ${matching(tenantId, filter)}
        and (${after ?? null}::text is null or seq > ${after ?? null}::text::bigint)
      order by seq limit ${limit}::int) l
    where said is null or said < ${MOST_BYTES}::int order by seq`
}

/** All conditions stand in every statement, asked for or not, so that its text is one. */
function matching(tenantId: string, filter: EntryFilter): FixedStatement {
  const { actor = null, outcome = null, requestId = null, since = null, until = null } = filter
  const { word, kind, id } = targetOf(filter)
  const { action, actions } = actionOf(filter)
  return statement`
      tenant_id = ${tenantId}::uuid
      and (${actor}::text is null or actor_id = ${actor}::text) and (${action}::text is null or action = ${action}::text)
      and (${actions}::text is null or starts_with(action, ${actions}::text))
      and (${word}::text is null or target_id = ${word}::text or target_type = ${word}::text)
      and (${kind}::text is null or target_type = ${kind}::text and target_id = ${id}::text)
      and (${outcome}::text is null or outcome = ${outcome}::text) and (${requestId}::text is null or request_id = ${requestId}::text)
      and (${since}::text is null or occurred_at >= ${since}::text::timestamptz)
      and (${until}::text is null or occurred_at < ${until}::text::timestamptz)`
}

/** One action, or what those of a kind begin with. */
function actionOf({ action }: EntryFilter): { readonly action: string | null; readonly actions: string | null } {
  return action?.endsWith('.*')
    ? { action: null, actions: action.slice(0, -1) }
    : { action: action ?? null, actions: null }
}

/** A word is an id or a kind: which of them, the entries know. */
function targetOf({ target }: EntryFilter): Readonly<Record<'word' | 'kind' | 'id', string | null>> {
  const colon = target?.indexOf(':') ?? -1
  if (target === undefined || colon < 0) return { word: target ?? null, kind: null, id: null }
  return { word: null, kind: target.slice(0, colon), id: target.slice(colon + 1) }
}
