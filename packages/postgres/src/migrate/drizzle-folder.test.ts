import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { integer, text } from 'drizzle-orm/pg-core'
import { belongsTo, resourceTable } from '@plinth/core'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { writeFolder, type FolderEntry } from '../../tests/folder-fixture.ts'
import {
  check,
  inTenant,
  migrate,
  onPGlite,
  onServer,
  registryOf,
  tenants,
  type Subject,
} from '../../tests/migration-fixture.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import type { MigrationRefused } from './migration-refused.ts'

const sites = resourceTable('sites', { name: text().notNull() })
const projects = resourceTable('projects', {
  title: text().notNull(),
  siteId: belongsTo(() => sites, { onDelete: 'cascade' }),
})
const registry = registryOf([sites, projects])

/** As drizzle-kit 0.31.11 writes it, letter by letter: the policy names nobody (TO public), and nothing is forced. */
const first = `CREATE TABLE "projects" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"owner_user_id" uuid,
	"owner_group_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"title" text NOT NULL,
	"site_id" uuid,
	CONSTRAINT "projects_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "projects" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "sites" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"owner_user_id" uuid,
	"owner_group_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"name" text NOT NULL,
	CONSTRAINT "sites_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "sites" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_site_id_fk" FOREIGN KEY ("tenant_id","site_id") REFERENCES "public"."sites"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "projects_recent_idx" ON "projects" USING btree ("tenant_id","created_at" desc,"id" desc);--> statement-breakpoint
CREATE INDEX "projects_owner_user_id_idx" ON "projects" USING btree ("tenant_id","owner_user_id","created_at" desc,"id" desc) WHERE "projects"."owner_user_id" is not null;--> statement-breakpoint
CREATE INDEX "projects_owner_group_id_idx" ON "projects" USING btree ("tenant_id","owner_group_id","created_at" desc,"id" desc) WHERE "projects"."owner_group_id" is not null;--> statement-breakpoint
CREATE INDEX "projects_site_id_idx" ON "projects" USING btree ("tenant_id","site_id","created_at" DESC,"id" DESC);--> statement-breakpoint
CREATE INDEX "sites_recent_idx" ON "sites" USING btree ("tenant_id","created_at" desc,"id" desc);--> statement-breakpoint
CREATE INDEX "sites_owner_user_id_idx" ON "sites" USING btree ("tenant_id","owner_user_id","created_at" desc,"id" desc) WHERE "sites"."owner_user_id" is not null;--> statement-breakpoint
CREATE INDEX "sites_owner_group_id_idx" ON "sites" USING btree ("tenant_id","owner_group_id","created_at" desc,"id" desc) WHERE "sites"."owner_group_id" is not null;--> statement-breakpoint
CREATE POLICY "plinth_tenant" ON "projects" AS RESTRICTIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "plinth_tenant" ON "sites" AS RESTRICTIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);`

const second = 'ALTER TABLE "projects" ADD COLUMN "rank" integer;'

const one: FolderEntry = { tag: '0000_first', when: 1_700_000_000_000, sql: first }
const two: FolderEntry = { tag: '0001_rank', when: 1_700_000_100_000, sql: second }

describe.each([
  { engine: 'PostgreSQL', open: () => onServer(inject('postgresUrl')) },
  { engine: 'PGlite', open: onPGlite },
])('a drizzle-kit folder on $engine', ({ open }) => {
  let subject: Subject
  let folder: string
  beforeEach(async () => {
    subject = await open()
    folder = mkdtempSync(join(tmpdir(), 'plinth-drizzle-'))
    writeFolder(folder, [one])
  })
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true })
    await subject.close()
  })

  test('is run as the owner, its policies are bound to the runtime role, and a second run does nothing', async () => {
    const { applied, warnings } = await migrate(subject, registry, { folder })
    expect(warnings).toEqual([])
    expect(applied).toEqual(
      expect.arrayContaining([
        `applied migration 0000_first of ${folder}`,
        'mended policy plinth_tenant on sites',
        'forced row-level security on projects',
        'made policy plinth_app on sites',
      ]),
    )
    expect(await check(subject, registry)).toEqual([])
    const { tables } = await readCatalog(subject.owner)
    expect(new Set(tables.map((table) => table.owner))).toEqual(new Set([subject.roles.owner]))
    expect(await migrate(subject, registry, { folder })).toEqual({ applied: [], warnings: [], failed: [] })

    await inTenant(subject.app, tenants[0], (connection) =>
      connection.query(`insert into sites (tenant_id, id, name) values ('${tenants[0]}', '${tenants[0]}', 'x')`),
    )
    // TO public it would bind the system role as well.
    expect(await subject.system.query('select name from sites')).toHaveLength(1)
  })

  test('and adding what is missing lead to the same tables', async () => {
    await migrate(subject, registry, { folder })
    expect(await migrate(subject, registry)).toEqual({ applied: [], warnings: [], failed: [] })
  })

  test('goes on where it was', async () => {
    await migrate(subject, registry, { folder })
    const later = registryOf([
      sites,
      resourceTable('projects', {
        title: text().notNull(),
        rank: integer(),
        siteId: belongsTo(() => sites, { onDelete: 'cascade' }),
      }),
    ])
    const stale: unknown = await migrate(subject, later, { folder }).catch((error: unknown) => error)
    expect((stale as MigrationRefused).differences).toEqual(['missing: would have added column projects.rank'])
    expect(String(stale)).toContain('Add one: npx drizzle-kit generate')
    writeFolder(folder, [one, two])
    expect((await migrate(subject, later, { folder })).applied).toEqual([`applied migration 0001_rank of ${folder}`])
    expect(await check(subject, later)).toEqual([])
  })

  test('that does not lead to what is declared leaves nothing', async () => {
    writeFolder(folder, [{ ...one, sql: first.replace('"title" text NOT NULL', '"title" varchar(20)') }])
    const refused: unknown = await migrate(subject, registry, { folder }).catch((error: unknown) => error)
    expect((refused as MigrationRefused).differences).toEqual([
      'projects.title is character varying(20) in the database and declared text',
    ])
    expect((await readCatalog(subject.owner)).tables.filter((table) => table.schema !== 'plinth')).toEqual([])
  })

  test('whose index is missing is a warning, not a stop', async () => {
    writeFolder(folder, [{ ...one, sql: first.replace(/CREATE INDEX "sites_recent_idx".*\n/, '') }])
    const { warnings } = await migrate(subject, registry, { folder })
    expect(warnings).toEqual([`${folder} lacks an index: would have created index sites_recent_idx on sites`])
  })

  test('with an older migration that came later is refused, for Drizzle would skip it in silence', async () => {
    await migrate(subject, registry, { folder })
    writeFolder(folder, [{ ...two, when: one.when - 1 }, one])
    await expect(migrate(subject, registry, { folder })).rejects.toThrow('would never run: 0001_rank')
  })

  test('with an edited migration is a warning', async () => {
    await migrate(subject, registry, { folder })
    writeFolder(folder, [{ ...one, sql: `${first}\n-- edited` }])
    expect((await migrate(subject, registry, { folder })).warnings).toEqual([
      expect.stringContaining('0000_first') as string,
    ])
  })

  test('that is none is an error with the command', async () => {
    await expect(migrate(subject, registry, { folder: join(folder, 'nowhere') })).rejects.toThrow(
      'npx drizzle-kit generate',
    )
  })

  test('whose SQL fails names migration and statement', async () => {
    writeFolder(folder, [one, { ...two, sql: 'ALTER TABLE "nothing" ADD COLUMN "x" text; select 1' }])
    await expect(migrate(subject, registry, { folder })).rejects.toThrow(
      `migration 0001_rank of ${folder}: ALTER TABLE "nothing"`,
    )
  })
})
