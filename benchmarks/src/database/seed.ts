import type postgres from 'postgres'
import { asked, ROWS_EACH, ROWS_OTHERS, ROWS_RENAMED, writing } from './tenants.ts'

/**
 * Fills the table as a superuser, straight in SQL. Times differ by whole milliseconds, so that servers which hold times as
 * JavaScript dates page as rightly as those that keep the microseconds.
 * @returns ids of the rows by slug, oldest first
 */
export async function seedProjects(
  sql: postgres.Sql,
  tenants: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const ids = new Map<string, readonly string[]>()
  for (const [slug, tenant] of tenants) {
    const rows =
      slug === writing ? ROWS_RENAMED + 1 : (asked as readonly string[]).includes(slug) ? ROWS_EACH : ROWS_OTHERS
    const inserted = await sql<{ id: string }[]>`
      insert into projects (tenant_id, id, created_at, updated_at, name, status, priority, due_at, settings, budget, contact_email, notes)
      select ${tenant}::uuid, gen_random_uuid(), t, t, 'Project ' || n, (array['draft', 'live', 'archived'])[n % 3 + 1], n % 10,
        case when n % 4 = 0 then null else t + interval '30 days' end,
        jsonb_build_object('colour', 'blue', 'retries', n % 7, 'tags', jsonb_build_array('one', 'two'), 'nested', jsonb_build_object('on', n % 2 = 0)),
        case when n % 5 = 0 then null else (n % 100000) + 0.5 end,
        case when n % 3 = 0 then null else 'person' || n || '@example.com' end,
        case when n % 2 = 0 then null else 'Words about project ' || n || ', as people write them into such a field.' end
      from generate_series(1, ${rows}::int) n, lateral (select timestamptz '2026-01-01 00:00:00Z' + n * interval '61.007 seconds' t) at
      returning id`
    ids.set(
      slug,
      inserted.map((row) => row.id),
    )
  }
  return ids
}
