import { statement, type Platform } from '@plinth/core'
import { databaseTime } from '../database-time.ts'

/** A delivery that this process has in hand, until its lease ends. */
export interface Claimed {
  readonly tenantId: string
  readonly id: string
  readonly webhookId: string
  readonly eventId: string
  readonly type: string
  readonly body: string
  /** Made before this one. */
  readonly attempts: number
  readonly mostAttempts: number
  readonly requestId: string
  readonly traceparent: string | null
  readonly url: string
  /** Sealed; null where it has none. */
  readonly secret: string | null
  readonly lease: string
  /** Whether its webhook failed when it was taken. */
  readonly failing: boolean
  /** By the clock of the database: that of this process may be wrong, and receivers refuse what is minutes off. */
  readonly claimedAt: Date
  /** The same by `performance.now()`, when it was asked for. */
  readonly askedAt: number
}

export interface ClaimLimits {
  readonly most: number
  readonly perWebhook: number
  readonly leaseMs: number
  /** Of webhooks that fail: what hangs may not take every place. */
  readonly mostFailing: number
  /** Of one tenant, with those that it has under way in this process. */
  readonly perTenant: number
  /** How many it has, by tenant. */
  readonly running: ReadonlyMap<string, number>
}

/** Deliveries of one webhook that are looked at: behind more that wait for an earlier one of their key, another one is found when those are through. */
const LOOKED_AT = 200
/** Tests that are looked at, of all. */
const TESTS = 200

/**
 * Takes what is due. Tenants have turns: whoever has least under way is first, and of a tenant the first of each webhook before the second of
 * any. Steps from one webhook to the next by an index, however many wait for one of them. What an earlier one of its key waits for, which was
 * never tried, waits behind it. What its webhook does not hear any more is not sent: whoever changed that may not read it. Two processes do
 * not take the same: rows in another's hand are stepped over.
 */
export async function claim(platform: Platform, limits: ClaimLimits): Promise<readonly Claimed[]> {
  const askedAt = performance.now()
  const [tenants, counts] = [[...limits.running.keys()], [...limits.running.values()].map(String)]
  const rows = await platform.database.systemStatement(statement`
    with recursive t as (select ${databaseTime(platform)} as now),
    waiting(tenant_id, webhook_id) as (
      (select tenant_id, webhook_id from plinth.webhook_deliveries where status = 'pending' order by tenant_id, webhook_id limit 1)
      union all
      select n.tenant_id, n.webhook_id from waiting w cross join lateral (
        select d.tenant_id, d.webhook_id from plinth.webhook_deliveries d
        where d.status = 'pending' and (d.tenant_id, d.webhook_id) > (w.tenant_id, w.webhook_id)
        order by d.tenant_id, d.webhook_id limit 1) n
    ),
    open as (
      select h.tenant_id, h.id, h.events, h.failing_since is not null as failing,
        case when h.failing_since is null then ${limits.perWebhook}::int else 1 end - (
          select count(*) from plinth.webhook_deliveries f
          where f.tenant_id = h.tenant_id and f.webhook_id = h.id and f.lease is not null and f.lease_until > t.now) as room
      from waiting w join plinth.webhooks_out h on h.tenant_id = w.tenant_id and h.id = w.webhook_id
        join plinth.tenants c on c.id = h.tenant_id and c.status = 'active', t
      where h.active and not h.prune and (h.paused_until is null or h.paused_until <= t.now)
    ),
    due as (
      select d.tenant_id, d.id, d.next_at, d.seq, o.failing,
        row_number() over (partition by d.tenant_id, d.webhook_id order by d.next_at, d.seq) as place
      from open o, t, lateral (
        select d.tenant_id, d.id, d.webhook_id, d.next_at, d.seq from (
          select * from plinth.webhook_deliveries d
          where d.tenant_id = o.tenant_id and d.webhook_id = o.id and d.status = 'pending' and d.next_at <= t.now
            and (d.lease is null or d.lease_until <= t.now) and d.type <> 'webhook.test'
            and o.events ?| array['*', split_part(d.type, '.', 1) || '.*', d.type]
          order by d.next_at, d.seq limit ${LOOKED_AT}::int) d
        where d.tried_at is not null or not exists (
          select from plinth.webhook_deliveries e
          where e.tenant_id = d.tenant_id and e.webhook_id = d.webhook_id and md5(e.key) = md5(d.key) and e.seq < d.seq
            and e.status = 'pending' and e.tried_at is null)
        order by d.next_at, d.seq limit greatest(o.room, 0)) d
      where o.room > 0
      union all
      -- Somebody waits to see whether it arrives, be the webhook off, or a thousand before it.
      select d.tenant_id, d.id, d.next_at, d.seq, h.failing_since is not null, 0
      from t, lateral (
        select * from plinth.webhook_deliveries d
        where d.status = 'pending' and d.type = 'webhook.test' and d.next_at <= t.now and (d.lease is null or d.lease_until <= t.now)
        order by d.next_at limit ${TESTS}::int) d
      join plinth.webhooks_out h on h.tenant_id = d.tenant_id and h.id = d.webhook_id
      join plinth.tenants c on c.id = h.tenant_id and c.status = 'active'
    ),
    turns as (
      select d.*, coalesce(r.running, 0) + row_number() over (
        partition by d.tenant_id order by d.place, d.failing, d.next_at, d.seq) as of_tenant
      from due d left join unnest(${tenants}::uuid[], ${counts}::int[]) r(tenant_id, running) on r.tenant_id = d.tenant_id
    ),
    ranked as (
      select u.*, row_number() over (partition by u.failing order by u.of_tenant, u.place, u.next_at, u.seq) as of_kind
      from turns u where u.of_tenant <= ${limits.perTenant}::int
    ),
    chosen as materialized (
      select d.tenant_id, d.id, c.failing from ranked c
      join plinth.webhook_deliveries d on d.tenant_id = c.tenant_id and d.id = c.id, t
      where d.status = 'pending' and (d.lease is null or d.lease_until <= t.now)
        and (not c.failing or c.of_kind <= ${limits.mostFailing}::int)
      order by c.of_tenant, c.place, c.next_at limit ${limits.most}::int
      for update of d skip locked
    )
    update plinth.webhook_deliveries d
    set lease = gen_random_uuid(), lease_until = t.now + make_interval(secs => ${limits.leaseMs / 1_000}::text::double precision)
    from chosen c join plinth.webhooks_out h on h.tenant_id = c.tenant_id
      left join plinth.webhook_secrets s on s.tenant_id = h.tenant_id and s.id = h.id, t
    where d.tenant_id = c.tenant_id and d.id = c.id and h.id = d.webhook_id
    returning d.tenant_id, d.id, d.webhook_id, d.event_id, d.type, d.body, d.attempts, d.most_attempts, d.request_id, d.traceparent,
      d.lease, d.seq, h.url, s.secret, c.failing, extract(epoch from t.now)::text as now`)
  // PostgreSQL tells of rows in the order in which it found them.
  return rows
    .toSorted((left, right) => Number(left['seq']) - Number(right['seq']))
    .map((row) => {
      const text = (name: string): string => String(row[name])
      return {
        tenantId: text('tenant_id'),
        id: text('id'),
        webhookId: text('webhook_id'),
        eventId: text('event_id'),
        type: text('type'),
        body: text('body'),
        attempts: Number(row['attempts']),
        mostAttempts: Number(row['most_attempts']),
        requestId: text('request_id'),
        traceparent: row['traceparent'] === null ? null : text('traceparent'),
        url: text('url'),
        secret: row['secret'] === null ? null : text('secret'),
        lease: text('lease'),
        failing: row['failing'] === true,
        claimedAt: new Date(Number(row['now']) * 1_000),
        askedAt,
      }
    })
}
