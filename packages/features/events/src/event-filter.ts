import { queryFilter, statement, timeInput, type FixedStatement, type LogPage } from '@plinth/core'
import { z } from 'zod'

const time = timeInput()

const filterSchema = z.object({
  type: z
    .string()
    .max(200)
    .regex(/^[a-z][a-zA-Z0-9]*\.([a-zA-Z0-9_-]+|\*)$/, 'Expected a type, or all of a kind: `site.created`, `site.*`')
    .optional()
    .describe('`site.created`, or `site.*`'),
  key: z.string().min(1).max(300).optional().describe('What it is about: `site:<id>`'),
  state: z
    .enum(['waiting', 'delivered', 'parked'])
    .optional()
    .describe('Not yet handed on, handed on, or set aside after many attempts'),
  since: time.optional().describe('From this time on'),
  until: time.optional().describe('Before this time'),
})

/** Which events are asked for; what is left out means all. */
export type EventFilter = z.output<typeof filterSchema>

export const eventFilter = queryFilter(filterSchema)

const stateNow = statement`case when delivered_at is not null then 'delivered' when parked_at is not null then 'parked' else 'waiting' end`
const columns = statement`
      seq::text as position, id, type, version, key, data::text as data, actor_kind, actor_id, request_id, traceparent,
      to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as occurred_at,
      ${stateNow} as state, attempts`

/**
 * Newest first. The tenant is named and row-level security names it too. No alias is called `seq`: the order would be that of its text, in
 * which 10 comes before 9.
 */
export function newestEvents(tenantId: string, page: LogPage<EventFilter>): FixedStatement {
  const { filter, before, offset, limit } = page
  const { key = null, state = null, since = null, until = null } = filter
  return statement`
    select ${columns}
    from plinth.events
    where tenant_id = ${tenantId}::uuid
      and ${ofType(filter.type)}
      and (${key}::text is null or key = ${key}::text)
      and (${state}::text is null or ${state}::text = ${stateNow})
      and (${since}::text is null or occurred_at >= ${since}::text::timestamptz)
      and (${until}::text is null or occurred_at < ${until}::text::timestamptz)
      and (${before ?? null}::text is null or seq < ${before ?? null}::text::bigint)
    order by seq desc limit ${limit}::int offset ${offset}::int`
}

export function oneEvent(tenantId: string, id: string): FixedStatement {
  return statement`select ${columns} from plinth.events where tenant_id = ${tenantId}::uuid and id = ${id}::uuid`
}

/** Whether the tenant has any of a type, in whatever state it is and whenever it was. */
export function anyOfType(tenantId: string, type: string): FixedStatement {
  return statement`
    select exists (select from plinth.events where tenant_id = ${tenantId}::uuid and ${ofType(type)}) as there`
}

/** One type, all of a kind (`site.*`), or whatever it is. */
function ofType(type: string | undefined): FixedStatement {
  const whole = type === undefined || type.endsWith('*') ? null : type
  const kind = type?.endsWith('*') ? type.slice(0, -1) : null
  return statement`(${whole}::text is null or type = ${whole}::text) and (${kind}::text is null or starts_with(type, ${kind}::text))`
}
