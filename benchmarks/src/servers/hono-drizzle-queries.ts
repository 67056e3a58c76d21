import { and, desc, eq, getTableColumns, isNull, or, sql } from 'drizzle-orm'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { projects } from './hono-drizzle-table.ts'

const { tenantId: _, ...columns } = getTableColumns(projects)

const placeholder = sql.placeholder

/** Built and prepared once: built per request, a query of Drizzle costs five times as much (PERFORMANCE.md §2, finding 7). */
export function prepareQueries(db: PostgresJsDatabase) {
  const ofTenant = eq(projects.tenantId, placeholder('tenant'))
  const one = and(ofTenant, eq(projects.id, placeholder('id')))
  const draft = {
    tenantId: placeholder('tenant'),
    id: placeholder('id'),
    name: placeholder('name'),
    status: placeholder('status'),
    priority: placeholder('priority'),
    dueAt: placeholder('dueAt'),
    settings: placeholder('settings'),
    budget: placeholder('budget'),
    contactEmail: placeholder('contactEmail'),
    notes: placeholder('notes'),
  }
  return {
    read: db.select(columns).from(projects).where(one).prepare('read'),
    page: db
      .select(columns)
      .from(projects)
      .where(ofTenant)
      .orderBy(desc(projects.createdAt), desc(projects.id))
      .limit(placeholder('limit'))
      .offset(placeholder('offset'))
      .prepare('page'),
    pageAfter: db
      .select(columns)
      .from(projects)
      .where(
        and(
          ofTenant,
          sql`(${projects.createdAt}, ${projects.id}) < (${placeholder('createdAt')}::timestamptz, ${placeholder('after')}::uuid)`,
        ),
      )
      .orderBy(desc(projects.createdAt), desc(projects.id))
      .limit(placeholder('limit'))
      .prepare('page_after'),
    create: db.insert(projects).values(draft).returning(columns).prepare('create'),
    rename: db
      .update(projects)
      .set({ name: sql`${placeholder('name')}`, version: sql`${projects.version} + 1`, updatedAt: sql`now()` })
      .where(and(one, or(isNull(sql`${placeholder('version')}::int`), eq(projects.version, placeholder('version')))))
      .returning(columns)
      .prepare('rename'),
  }
}
