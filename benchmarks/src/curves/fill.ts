import postgres from 'postgres'
import { curvePlatform } from './curve-platform.ts'
import { MOST_ASKED, ROWS_EACH, slugOf, type Point } from './curve.ts'

/** A row that requests ask for. */
export interface AskedRow {
  readonly slug: string
  readonly resource: number
  readonly id: string
}

/**
 * Makes the tables as Plinth's users make them; tenants and rows straight in SQL, since ten thousand foundings would measure
 * something else.
 * @returns rows spread over tenants and resources
 */
export async function fillCurve(
  point: Point,
  urls: { readonly app: string; readonly owner: string },
): Promise<readonly AskedRow[]> {
  await migrate(point, urls)
  const sql = postgres(urls.owner, { max: 1, onnotice: () => undefined })
  try {
    await sql`
      insert into plinth.tenants (id, slug, name)
      select gen_random_uuid(), 'tenant-' || n, 'Tenant ' || n from generate_series(0, ${point.tenants - 1}::int) n`
    // With a schema for each tenant, now they get their tables.
    if (point.isolation === 'schema') await migrate(point, urls)
    const tenants = await sql<{ id: string; slug: string }[]>`select id, slug from plinth.tenants`
    const asked: AskedRow[] = []
    const names = Array.from({ length: Math.min(point.tenants, MOST_ASKED) }, (_, at) =>
      slugOf(Math.floor((at * point.tenants) / Math.min(point.tenants, MOST_ASKED))),
    )
    for (let resource = 0; resource < point.resources; resource += 1) {
      const tables =
        point.isolation === 'schema'
          ? tenants.map(({ id }) => `tenant_${id.replaceAll('-', '')}.things_${resource}`)
          : [`public.things_${resource}`]
      const most = Math.max(20, Math.ceil(4_000 / point.resources))
      for (const [at, name] of tables.entries()) {
        const table = sql(name)
        const id = point.isolation === 'schema' ? tenants[at]!.id : null
        await sql`
          insert into ${table} (tenant_id, id, created_at, updated_at, name, status, priority, settings, budget, notes)
          select t.id, gen_random_uuid(), at.t, at.t, 'Thing ' || n, 'live', n % 10, '{"colour":"blue"}', n + 0.5, 'Words about it'
          from plinth.tenants t, generate_series(1, ${ROWS_EACH}::int) n,
            lateral (select timestamptz '2026-01-01 00:00:00Z' + n * interval '61.007 seconds' t) at
          where t.id = coalesce(${id}::uuid, t.id)`
        // Each tenant and each resource about as often, and never so many that the list itself weighs.
        const rows = await sql<{ slug: string; id: string }[]>`
          select t.slug, p.id from plinth.tenants t
          cross join lateral (select id from ${table} where tenant_id = t.id order by id limit 2) p
          where t.slug = any(${names}) limit ${most}`
        for (const { slug, id: row } of rows) asked.push({ slug, resource, id: row })
      }
    }
    await sql`vacuum (analyze)`
    await sql`checkpoint`
    return shuffled(asked)
  } finally {
    await sql.end()
  }
}

async function migrate(point: Point, urls: { readonly app: string; readonly owner: string }): Promise<void> {
  const plinth = curvePlatform(point, urls)
  await plinth.migrate()
  await plinth.close()
}

/** The same order in every run. */
function shuffled<T>(values: readonly T[]): readonly T[] {
  let state = 7
  const random = (): number => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32
  return values
    .map((value) => ({ value, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value)
}
