import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { integer, pgEnum, text } from 'drizzle-orm/pg-core'
import { belongsTo, resourceTable, type Finding, type MigrationReport, type Registry } from '@plinth/core'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { writeFolder, type FolderEntry } from '../../tests/folder-fixture.ts'
import { inTenant, migrate, onPGlite, onServer, registryOf, type Subject } from '../../tests/migration-fixture.ts'
import { checkCatalog } from '../catalog/check-catalog.ts'
import type { MigrationRefused } from '../migrate/migration-refused.ts'
import { checkTenants } from './check-tenants.ts'
import { tenantSchema } from './tenant-schema.ts'

const mood = pgEnum('mood', ['sad', 'glad', 'odd'])
const places = resourceTable('places', { name: text().notNull(), mood: mood() })
const pages = resourceTable('pages', { title: text().notNull(), siteId: belongsTo(() => places).notNull() })
const before = registryOf([places, pages])

const ranked = registryOf([
  resourceTable('places', { name: text().notNull(), mood: mood(), rank: integer() }),
  resourceTable('notes', { text: text() }),
])

const calmer = pgEnum('mood', ['sad', 'glad'])
const sites = resourceTable('sites', { name: text().notNull(), mood: calmer(), rank: integer() })
const sitePages = resourceTable('pages', { title: text().notNull(), siteId: belongsTo(() => sites).notNull() })
const after = registryOf([sites, sitePages])

const bareSites = resourceTable('sites', { name: text().notNull(), rank: integer() })
const bareSitePages = resourceTable('pages', { title: text().notNull(), siteId: belongsTo(() => bareSites).notNull() })
const moodless = registryOf([bareSites, bareSitePages])

const platform = `"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"owner_user_id" uuid,
	"owner_group_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL`
const policy = (table: string): string =>
  `CREATE POLICY "plinth_tenant" ON "${table}" AS RESTRICTIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);`

/** What drizzle-kit writes, a table of the host, and what people add: a view, a trigger and its function. */
const first: FolderEntry = {
  tag: '0000_first',
  when: 1_700_000_000_000,
  sql: `CREATE TYPE "public"."mood" AS ENUM('sad', 'glad', 'odd');--> statement-breakpoint
CREATE TABLE "legacy" ("id" serial PRIMARY KEY, "sites" text);--> statement-breakpoint
CREATE TABLE "pages" (
	${platform},
	"title" text NOT NULL,
	"site_id" uuid NOT NULL,
	CONSTRAINT "pages_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "pages" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "places" (
	${platform},
	"name" text NOT NULL,
	"mood" "mood",
	CONSTRAINT "places_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "places" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "pages" ADD CONSTRAINT "pages_site_id_fk" FOREIGN KEY ("tenant_id","site_id") REFERENCES "public"."places"("tenant_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "pages_recent_idx" ON "pages" USING btree ("tenant_id","created_at" desc,"id" desc);--> statement-breakpoint
CREATE INDEX "pages_owner_user_id_idx" ON "pages" USING btree ("tenant_id","owner_user_id","created_at" desc,"id" desc) WHERE "pages"."owner_user_id" is not null;--> statement-breakpoint
CREATE INDEX "pages_owner_group_id_idx" ON "pages" USING btree ("tenant_id","owner_group_id","created_at" desc,"id" desc) WHERE "pages"."owner_group_id" is not null;--> statement-breakpoint
CREATE INDEX "pages_site_id_idx" ON "pages" USING btree ("tenant_id","site_id","created_at" DESC,"id" DESC);--> statement-breakpoint
CREATE INDEX "places_recent_idx" ON "places" USING btree ("tenant_id","created_at" desc,"id" desc);--> statement-breakpoint
CREATE INDEX "places_owner_user_id_idx" ON "places" USING btree ("tenant_id","owner_user_id","created_at" desc,"id" desc) WHERE "places"."owner_user_id" is not null;--> statement-breakpoint
CREATE INDEX "places_owner_group_id_idx" ON "places" USING btree ("tenant_id","owner_group_id","created_at" desc,"id" desc) WHERE "places"."owner_group_id" is not null;--> statement-breakpoint
${policy('pages')}--> statement-breakpoint
${policy('places')}--> statement-breakpoint
create view "public"."glad_places" with (security_invoker = true) as select * from "places" where mood = 'glad';
create function "public"."tidy"() returns trigger language plpgsql as $$ begin new.name := trim(new.name); return new; end $$;
create trigger tidy before insert on "places" for each row execute function "public"."tidy"();`,
}

/** A table gets another name, a type loses a value as drizzle-kit does it, and rows are changed as the tenancy page says. */
const second: FolderEntry = {
  tag: '0001_sites',
  when: 1_700_000_100_000,
  sql: `DROP VIEW "public"."glad_places";--> statement-breakpoint
ALTER TABLE "places" RENAME TO "sites";--> statement-breakpoint
ALTER TABLE "sites" RENAME CONSTRAINT "places_pk" TO "sites_pk";--> statement-breakpoint
ALTER INDEX "places_recent_idx" RENAME TO "sites_recent_idx";--> statement-breakpoint
ALTER INDEX "places_owner_user_id_idx" RENAME TO "sites_owner_user_id_idx";--> statement-breakpoint
ALTER INDEX "places_owner_group_id_idx" RENAME TO "sites_owner_group_id_idx";--> statement-breakpoint
ALTER TABLE "sites" ADD COLUMN "rank" integer;--> statement-breakpoint
alter table sites no force row level security;
update sites set rank = length(name), mood = case mood when 'odd' then 'sad' else mood end;
alter table sites force row level security;--> statement-breakpoint
ALTER TABLE "sites" ALTER COLUMN "mood" SET DATA TYPE text;--> statement-breakpoint
DROP TYPE "public"."mood";--> statement-breakpoint
CREATE TYPE "public"."mood" AS ENUM('sad', 'glad');--> statement-breakpoint
ALTER TABLE "sites" ALTER COLUMN "mood" SET DATA TYPE "public"."mood" USING "mood"::"public"."mood";`,
}

const third: FolderEntry = {
  tag: '0002_moodless',
  when: 1_700_000_200_000,
  sql: `ALTER TABLE "sites" DROP COLUMN "mood";--> statement-breakpoint
DROP TYPE "public"."mood";`,
}

describe.each([
  { engine: 'PostgreSQL', open: () => onServer(inject('postgresUrl')) },
  { engine: 'PGlite', open: onPGlite },
])('a drizzle-kit folder with a schema for each tenant, on $engine', ({ open }) => {
  let subject: Subject
  let folder: string
  beforeEach(async () => {
    subject = await open()
    folder = mkdtempSync(join(tmpdir(), 'plinth-drizzle-'))
  }, 60_000)
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true })
    await subject.close()
  })

  const run = (registry: Registry, ...entries: readonly FolderEntry[]): Promise<MigrationReport> => {
    writeFolder(folder, entries)
    return migrate(subject, registry, { folder, isolation: 'schema' })
  }
  /** As `foundTenant`: the row, and the schema by the function. */
  const found = async (slug: string): Promise<string> => {
    const id = randomUUID()
    await subject.owner.query('insert into plinth.tenants (id, slug, name) values ($1::uuid, $2::text, $2::text)', [
      id,
      slug,
    ])
    await subject.system.query('select plinth.make_tenant_schema($1::uuid)', [id])
    return id
  }
  const faults = async (registry: Registry): Promise<readonly Finding[]> => {
    const checking = { driver: subject.app, registry, rolePrefix: subject.prefix, isolation: 'schema' as const }
    const shared = (await checkCatalog(checking)).filter((fault) => !fault.path.startsWith('setting '))
    return [...shared, ...[...(await checkTenants(checking)).faults.values()].flat()]
  }
  const names = async (sql: string): Promise<readonly string[]> =>
    (await subject.owner.query(sql)).map((row) => String(Object.values(row)[0]))
  const tablesIn = (schema: string): Promise<readonly string[]> =>
    names(`select relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where nspname = '${schema}' and relkind in ('r', 'v') order by 1`)
  const add = (tenant: string, table: string, values: string): Promise<unknown> =>
    inTenant(subject.app, tenant, (connection) =>
      connection.query(
        `insert into ${tenantSchema(tenant)}.${table} (tenant_id, id, name, mood) values ('${tenant}', gen_random_uuid(), ${values})`,
      ),
    )
  const rows = (tenant: string, columns: string): Promise<readonly unknown[]> =>
    inTenant(subject.app, tenant, (connection) =>
      connection.query(`select ${columns} from ${tenantSchema(tenant)}.sites order by name`),
    )

  test('makes each tenant’s tables in his schema, new or old, and shared things once', async () => {
    const { applied, failed, warnings } = await run(before, first)
    expect([failed, warnings]).toEqual([[], []])
    expect(applied).toContain(`applied migration 0000_first of ${folder}`)
    const a = await found('a')
    expect(await tablesIn('public')).toEqual(['legacy'])
    // The view is in no declaration: a new tenant has it because the folder is replayed.
    expect(await tablesIn(tenantSchema(a))).toEqual(['glad_places', 'pages', 'places'])
    expect(await tablesIn(tenantSchema('00000000-0000-0000-0000-000000000000'))).toEqual([])
    expect(await faults(before)).toEqual([])
    expect(await run(before, first)).toEqual({ applied: [], warnings: [], failed: [] })
    // Adding what is missing finds nothing missing.
    expect(await migrate(subject, before, { isolation: 'schema' })).toEqual({ applied: [], warnings: [], failed: [] })
    await add(a, 'places', `' odd ', 'odd'`)
    await add(a, 'places', `'glad', 'glad'`)
    expect((await faults(after)).map((fault) => fault.path)).toContain('function plinth.make_tenant_schema')

    const later = await run(after, first, second)
    expect([later.failed, later.warnings]).toEqual([[], []])
    expect(later.applied).toEqual(
      expect.arrayContaining([
        `applied migration 0001_sites of ${folder}`,
        expect.stringMatching(/^tenant a: applied migration 0001_sites/) as string,
        'dropped type mood',
      ]),
    )
    const b = await found('b')
    expect(await faults(after)).toEqual([])
    await add(b, 'sites', `' of b ', 'sad'`)
    expect(await rows(a, 'name, rank::int as rank, mood::text as mood')).toEqual([
      { name: 'glad', rank: 4, mood: 'glad' },
      { name: 'odd', rank: 3, mood: 'sad' },
    ])
    expect(await rows(b, 'name')).toEqual([{ name: 'of b' }])
    expect([await tablesIn(tenantSchema(a)), await tablesIn('public')]).toEqual([['pages', 'sites'], ['legacy']])
    expect(await tablesIn(tenantSchema(b))).toEqual(['pages', 'sites'])
    expect(await run(after, first, second)).toEqual({ applied: [], warnings: [], failed: [] })

    // A type that is gone: old tenants lose it, new ones replay a history in which it was there.
    const last = await run(moodless, first, second, third)
    expect([last.failed, last.warnings]).toEqual([[], []])
    const c = await found('c')
    expect(await faults(moodless)).toEqual([])
    expect(await tablesIn(tenantSchema(c))).toEqual(['pages', 'sites'])
    expect(await names(`select typname::text from pg_type where typname like 'mood%'`)).toEqual([])
    expect(await run(moodless, first, second, third)).toEqual({ applied: [], warnings: [], failed: [] })
  }, 60_000)

  test('one tenant’s rows refuse: all others are done, he is named, the next run does him alone', async () => {
    await run(before, first)
    const [a, b] = [await found('a'), await found('b')]
    await add(b, 'places', `'no number', null`)
    const strict: FolderEntry = {
      ...second,
      sql: second.sql.replace('rank = length(name)', 'rank = name::integer'),
    }
    const { applied, failed } = await run(after, first, strict)
    expect(failed).toEqual([expect.objectContaining({ path: `tenant b (schema ${tenantSchema(b)})` })])
    expect(failed[0]?.problem).toContain(`migration 0001_sites of ${folder}: update sites set rank`)
    expect(applied.some((words) => words.startsWith('tenant a: '))).toBe(true)
    expect(await tablesIn(tenantSchema(b))).toContain('places')
    expect(await tablesIn(tenantSchema(a))).toContain('sites')
    // His columns are of the old type still.
    expect(await names(`select typname::text from pg_type where typname like 'mood%' order by 1`)).toEqual([
      'mood',
      'mood__dropped_1700000100000',
    ])
    await subject.owner.query(`update ${tenantSchema(b)}.places set name = '7'`)
    const again = await run(after, first, strict)
    expect([again.failed, again.applied.map((words) => words.split(':')[0])]).toEqual([
      [],
      ['tenant b', 'dropped type mood'],
    ])
    expect(await rows(b, 'name, rank::int as rank')).toEqual([{ name: '7', rank: 7 }])
    expect(await faults(after)).toEqual([])
  }, 60_000)

  test('that does not lead to what is declared leaves nothing, and no tenant is needed to find it', async () => {
    const refused: unknown = await run(ranked, first).catch((error: unknown) => error)
    expect((refused as MigrationRefused).differences).toEqual([
      'missing: would have created table notes',
      'missing: would have added column places.rank',
    ])
    expect(String(refused)).toContain('npx drizzle-kit generate')
    expect([await tablesIn('public'), await tablesIn('drizzle')]).toEqual([[], []])
  })

  test('runs for a tenant who has no schema yet', async () => {
    await run(before, first)
    const id = randomUUID()
    await subject.owner.query(`insert into plinth.tenants (id, slug, name) values ($1::uuid, 'late', 'late')`, [id])
    expect((await run(before, first)).applied).toEqual([`tenant late: made schema ${tenantSchema(id)}`])
    expect(await run(before, first)).toEqual({ applied: [], warnings: [], failed: [] })
  })
})
