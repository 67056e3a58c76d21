import { audit } from '@plinth/audit'
import { createPlinth } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { createHmac, createSecretKey, hash, randomBytes, randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import connect from 'postgres'
import type { DatabaseUrls } from '../database/prepare.ts'
import { env } from '../platform/bench-platform.ts'
import { project } from '../platform/projects.ts'
import { draft } from '../workloads.ts'

interface Pair {
  readonly hot: number
  readonly spread: number
}

export interface BookRates {
  /** Rows a second of a plain insert into an equal table, each in a statement and a commit of its own, 32 writers. */
  readonly plain: Pair
  /** Entries a second, in the same way and by the runtime login. */
  readonly written: Pair
  /** Entries a second that one process moves into the book: chained, signed, personal parts encrypted. */
  readonly sealed: Pair
  /** CPU µs of Node for each. */
  readonly sealedUs: Pair
  /** Entries a second that are verified. */
  readonly verified: number
  readonly verifiedUs: number
  /** Texts a second that are hashed and signed, as long as those of the entries, from memory. */
  readonly hashed: number
}

const WRITERS = 32
const TENANTS = 200

/** @param entries that are sealed of one tenant, and again of many, and verified of the one */
export async function measureBook(urls: DatabaseUrls, entries: number, seconds: number): Promise<BookRates> {
  const feature = audit()
  // Never asked for anything: nothing is sealed of its own accord.
  const plinth = createPlinth({
    database: postgres(urls.app, { ownerUrl: urls.owner }),
    resources: [project],
    features: [feature],
    env: { ...env, DATABASE_URL: urls.app, LOG_LEVEL: 'error' },
  })
  const sql = connect(urls.owner, { max: WRITERS, onnotice: () => undefined })
  const app = connect(urls.app, { max: WRITERS, onnotice: () => undefined })
  const tenants = Array.from({ length: TENANTS }, () => randomUUID())
  const [hot] = tenants as [string]
  const row = JSON.stringify(draft(1))
  const insertPlain = (tenant: string): Promise<unknown> =>
    sql`insert into bench.plain_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, target, request_id, after, personal, address, user_agent)
        values (${tenant}, now(), 'user', 'somebody', 'project.created', ${randomUUID()}, 'request', ${row}::text::jsonb, '{"contactEmail":[null,"a@example.com"]}', '203.0.113.7', 'a browser')`
  // As every statement of the platform is: who and where are set first, for the policies to see.
  const write = (tenant: string): Promise<unknown> =>
    app`with c as materialized (select set_config('plinth.tenant', ${tenant}::uuid::text, true) t, set_config('plinth.principal', 'somebody', true) a)
        insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, target, request_id, after, personal, address, user_agent)
        select ${tenant}::uuid, now(), 'user', 'somebody', 'project.created', ${randomUUID()}, 'request', ${row}::text::jsonb, '{"contactEmail":[null,"a@example.com"]}', '203.0.113.7', 'a browser'
        from c where c.t is not null`
  const rate = async (insert: (tenant: string) => Promise<unknown>, pick: (at: number) => string): Promise<number> => {
    let count = 0
    const until = performance.now() + seconds * 1_000
    await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        while (performance.now() < until) await insert(pick((count += 1)))
      }),
    )
    return count / seconds
  }
  const both = async (insert: (tenant: string) => Promise<unknown>): Promise<Pair> => ({
    hot: await rate(insert, () => hot),
    spread: await rate(insert, (at) => tenants[at % TENANTS]!),
  })
  const fill = (many: readonly string[]): Promise<unknown> =>
    sql`insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, target, request_id, after, personal, address, user_agent)
        select t.id, now(), 'user', 'person ' || g % 50, 'project.created', 'project ' || g % 500, 'request', ${row}::text::jsonb,
          '{"contactEmail":[null,"a@example.com"]}', '203.0.113.7', 'a browser'
        from generate_series(1, ${Math.floor(entries / many.length)}) g, unnest(${many}::text[]::uuid[]) t(id)`
  const timed = async (work: () => number | Promise<number>): Promise<{ perSecond: number; us: number }> => {
    const startedAt = performance.now()
    const cpu = process.cpuUsage()
    const count = await work()
    const { user, system } = process.cpuUsage(cpu)
    return { perSecond: count / ((performance.now() - startedAt) / 1_000), us: (user + system) / count }
  }
  try {
    await sql`create table bench.plain_inbox (like plinth.audit_inbox including identity including defaults, primary key (tenant_id, position))`
    // Once each before it is measured: connections, plans, and what V8 makes of it.
    await Promise.all(Array.from({ length: WRITERS * 8 }, () => Promise.all([insertPlain(hot), write(hot)])))
    const plain = await both(insertPlain)
    const written = await both(write)
    // Makes the keys of the book, which would else be in the first figure.
    await sql`truncate plinth.audit_inbox`
    await write(hot)
    await feature.seal()
    await fill([hot])
    const sealedHot = await timed(() => feature.seal())
    await fill(tenants)
    const sealedSpread = await timed(() => feature.seal())
    const verified = await timed(async () => {
      const verdict = await feature.verifyLog(hot)
      if (!verdict.valid) throw new Error(`entry ${verdict.firstBad ?? 0} is ${verdict.reason ?? 'wrong'}`)
      return verdict.entries
    })
    const hashed = await timed(() => hashAndSign(entries))
    return {
      plain,
      written,
      sealed: { hot: sealedHot.perSecond, spread: sealedSpread.perSecond },
      sealedUs: { hot: sealedHot.us, spread: sealedSpread.us },
      verified: verified.perSecond,
      verifiedUs: verified.us,
      hashed: hashed.perSecond,
    }
  } finally {
    await sql.end()
    await app.end()
    await plinth.close()
  }
}

/** About what an entry of `fill` says, hashed and signed over and over. */
function hashAndSign(times: number): number {
  const key = createSecretKey(randomBytes(32))
  const text = JSON.stringify([draft(1), draft(2)]).slice(0, 700)
  let last = ''
  for (let at = 0; at < times; at += 1) {
    last = hash('sha256', `${last}${text}`, 'base64url')
    last = createHmac('sha256', key).update(last).digest('base64url')
  }
  return times
}
