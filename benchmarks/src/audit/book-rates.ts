import { audit } from '@plinth/audit'
import { createPlinth } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import connect from 'postgres'
import type { DatabaseUrls } from '../database/prepare.ts'
import { env } from '../platform/bench-platform.ts'
import { project } from '../platform/projects.ts'
import { draft } from '../workloads.ts'

export interface BookRates {
  /** Entries a second, each in a statement and a commit of its own, 32 writers. */
  readonly written: { readonly hot: number; readonly spread: number }
  /** Entries a second that one process moves into the book: chained, signed, personal parts encrypted. */
  readonly sealed: { readonly hot: number; readonly spread: number }
  /** Entries a second that are verified. */
  readonly verified: number
}

const WRITERS = 32
const TENANTS = 200

/** @param entries that are sealed and verified; half of it is written by single statements */
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
  const tenants = Array.from({ length: TENANTS }, () => randomUUID())
  const [hot] = tenants as [string]
  const row = JSON.stringify(draft(1))
  const write = (tenant: string): Promise<unknown> =>
    sql`insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, target, request_id, after, personal, address, user_agent)
        values (${tenant}, now(), 'user', 'somebody', 'project.created', ${randomUUID()}, 'request', ${row}::text::jsonb, '{"contactEmail":[null,"a@example.com"]}', '203.0.113.7', 'a browser')`
  const rate = async (pick: (at: number) => string): Promise<number> => {
    let count = 0
    const until = performance.now() + seconds * 1_000
    await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        while (performance.now() < until) await write(pick((count += 1)))
      }),
    )
    return count / seconds
  }
  const fill = (many: readonly string[]): Promise<unknown> =>
    sql`insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, target, request_id, after, personal, address, user_agent)
        select t.id, now(), 'user', 'person ' || g % 50, 'project.created', 'project ' || g % 500, 'request', ${row}::text::jsonb,
          '{"contactEmail":[null,"a@example.com"]}', '203.0.113.7', 'a browser'
        from generate_series(1, ${Math.floor(entries / many.length)}) g, unnest(${many}::text[]::uuid[]) t(id)`
  const timed = async (work: () => Promise<number>): Promise<number> => {
    const startedAt = performance.now()
    const count = await work()
    return count / ((performance.now() - startedAt) / 1_000)
  }
  try {
    await write(hot)
    const written = { hot: await rate(() => hot), spread: await rate((at) => tenants[at % TENANTS]!) }
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
    return { written, sealed: { hot: sealedHot, spread: sealedSpread }, verified }
  } finally {
    await sql.end()
    await plinth.close()
  }
}
