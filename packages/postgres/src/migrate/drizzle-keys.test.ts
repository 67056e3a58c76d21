import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { belongsTo, resourceTable, type AnyResourceTable } from '@plinth/core'
import { bigint, integer, text } from 'drizzle-orm/pg-core'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { check, migrate, onPGlite, onServer, registryOf, type Subject } from '../../tests/migration-fixture.ts'
import type { MigrationRefused } from './migration-refused.ts'

/* Tables with keys of their own by way of drizzle-kit. */

const plans = resourceTable('plans', { id: text(), title: text().notNull() })
const tickets = resourceTable('tickets', {
  id: integer().generatedAlwaysAsIdentity(),
  planId: belongsTo(() => plans, { key: 'text' }),
  parentId: belongsTo((): AnyResourceTable => tickets, { key: 'integer', inverse: 'children' }),
})
const entries = resourceTable('entries', {
  id: bigint({ mode: 'bigint' }).generatedAlwaysAsIdentity(),
  ticketId: belongsTo(() => tickets, { key: 'integer', onDelete: 'cascade' }).notNull(),
})
const registry = registryOf([plans, tickets, entries])

/**
 * As drizzle-kit 0.31.11 writes it for these tables, letter by letter. A second `generate` said "No schema changes": the
 * columns and constraints that the tables declare do not differ from what it has read of them.
 */
const generated = `CREATE TABLE "entries" (
	"tenant_id" uuid NOT NULL,
	"id" bigint GENERATED ALWAYS AS IDENTITY (sequence name "entries_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"owner_user_id" uuid,
	"owner_group_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"ticket_id" integer NOT NULL,
	CONSTRAINT "entries_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "entries" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "plans" (
	"tenant_id" uuid NOT NULL,
	"id" text NOT NULL,
	"owner_user_id" uuid,
	"owner_group_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"title" text NOT NULL,
	CONSTRAINT "plans_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "plans" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "tickets" (
	"tenant_id" uuid NOT NULL,
	"id" integer GENERATED ALWAYS AS IDENTITY (sequence name "tickets_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"owner_user_id" uuid,
	"owner_group_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"plan_id" text,
	"parent_id" integer,
	CONSTRAINT "tickets_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "tickets" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "entries" ADD CONSTRAINT "entries_ticket_id_fk" FOREIGN KEY ("tenant_id","ticket_id") REFERENCES "public"."tickets"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tickets" ADD CONSTRAINT "tickets_plan_id_fk" FOREIGN KEY ("tenant_id","plan_id") REFERENCES "public"."plans"("tenant_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tickets" ADD CONSTRAINT "tickets_parent_id_fk" FOREIGN KEY ("tenant_id","parent_id") REFERENCES "public"."tickets"("tenant_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "entries_recent_idx" ON "entries" USING btree ("tenant_id","created_at" desc,"id" desc);--> statement-breakpoint
CREATE INDEX "entries_owner_user_id_idx" ON "entries" USING btree ("tenant_id","owner_user_id","created_at" desc,"id" desc) WHERE "entries"."owner_user_id" is not null;--> statement-breakpoint
CREATE INDEX "entries_owner_group_id_idx" ON "entries" USING btree ("tenant_id","owner_group_id","created_at" desc,"id" desc) WHERE "entries"."owner_group_id" is not null;--> statement-breakpoint
CREATE INDEX "entries_ticket_id_idx" ON "entries" USING btree ("tenant_id","ticket_id","created_at" desc,"id" desc);--> statement-breakpoint
CREATE INDEX "plans_recent_idx" ON "plans" USING btree ("tenant_id","created_at" desc,"id" desc);--> statement-breakpoint
CREATE INDEX "plans_owner_user_id_idx" ON "plans" USING btree ("tenant_id","owner_user_id","created_at" desc,"id" desc) WHERE "plans"."owner_user_id" is not null;--> statement-breakpoint
CREATE INDEX "plans_owner_group_id_idx" ON "plans" USING btree ("tenant_id","owner_group_id","created_at" desc,"id" desc) WHERE "plans"."owner_group_id" is not null;--> statement-breakpoint
CREATE INDEX "tickets_recent_idx" ON "tickets" USING btree ("tenant_id","created_at" desc,"id" desc);--> statement-breakpoint
CREATE INDEX "tickets_owner_user_id_idx" ON "tickets" USING btree ("tenant_id","owner_user_id","created_at" desc,"id" desc) WHERE "tickets"."owner_user_id" is not null;--> statement-breakpoint
CREATE INDEX "tickets_owner_group_id_idx" ON "tickets" USING btree ("tenant_id","owner_group_id","created_at" desc,"id" desc) WHERE "tickets"."owner_group_id" is not null;--> statement-breakpoint
CREATE INDEX "tickets_plan_id_idx" ON "tickets" USING btree ("tenant_id","plan_id","created_at" desc,"id" desc);--> statement-breakpoint
CREATE INDEX "tickets_parent_id_idx" ON "tickets" USING btree ("tenant_id","parent_id","created_at" desc,"id" desc);--> statement-breakpoint
CREATE POLICY "plinth_tenant" ON "entries" AS RESTRICTIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "plinth_tenant" ON "plans" AS RESTRICTIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "plinth_tenant" ON "tickets" AS RESTRICTIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);`

function writeFolder(folder: string, sql: string): void {
  mkdirSync(join(folder, 'meta'), { recursive: true })
  writeFileSync(join(folder, '0000_first.sql'), sql)
  const entry = { idx: 0, version: '7', when: 1_700_000_000_000, tag: '0000_first', breakpoints: true }
  writeFileSync(
    join(folder, 'meta', '_journal.json'),
    JSON.stringify({ version: '7', dialect: 'postgresql', entries: [entry] }),
  )
}

describe.each([
  { engine: 'PostgreSQL', open: () => onServer(inject('postgresUrl')) },
  { engine: 'PGlite', open: onPGlite },
])('a drizzle-kit folder of tables with own keys on $engine', ({ open }) => {
  let subject: Subject
  let folder: string
  beforeEach(async () => {
    subject = await open()
    folder = mkdtempSync(join(tmpdir(), 'plinth-drizzle-keys-'))
    writeFolder(folder, generated)
  })
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true })
    await subject.close()
  })

  test('leads to what is declared: the check passes, and neither way of migrating finds more to do', async () => {
    const { warnings } = await migrate(subject, registry, { folder })
    expect(warnings).toEqual([])
    expect(await check(subject, registry)).toEqual([])
    expect(await migrate(subject, registry, { folder })).toEqual({ applied: [], warnings: [], failed: [] })
    expect(await migrate(subject, registry)).toEqual({ applied: [], warnings: [], failed: [] })
  })

  test('primary keys and references hold the tenant, as without the folder', async () => {
    const keys = async (): Promise<readonly string[]> => {
      const rows = await subject.owner.query(
        `select conrelid::regclass::text || ' ' || pg_get_constraintdef(oid) as key from pg_constraint
         where contype in ('p', 'f') and conrelid::regclass::text in ('plans', 'tickets', 'entries') order by 1`,
      )
      return rows.map((row) => String(row['key']))
    }
    await migrate(subject, registry, { folder })
    const found = await keys()
    expect(found).toEqual([
      'entries FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets(tenant_id, id) ON DELETE CASCADE',
      'entries PRIMARY KEY (tenant_id, id)',
      'plans PRIMARY KEY (tenant_id, id)',
      'tickets FOREIGN KEY (tenant_id, parent_id) REFERENCES tickets(tenant_id, id) ON DELETE RESTRICT',
      'tickets FOREIGN KEY (tenant_id, plan_id) REFERENCES plans(tenant_id, id) ON DELETE RESTRICT',
      'tickets PRIMARY KEY (tenant_id, id)',
    ])
    await subject.owner.query('drop table entries, tickets, plans')
    await migrate(subject, registry)
    expect(await keys()).toEqual(found)
  })

  test.each([
    [
      'a primary key without the tenant',
      '"plans_pk" PRIMARY KEY("tenant_id","id")',
      '"plans_pk" PRIMARY KEY("id")',
      'plans has the primary key (id), declared is (tenant_id, id)',
    ],
    [
      'a key of another type',
      '"id" text NOT NULL',
      '"id" uuid NOT NULL',
      'plans.id is uuid in the database and declared text',
    ],
  ])('%s is refused', async (_title, right, wrong, words) => {
    expect(generated).toContain(right)
    // Without references, which PostgreSQL itself would refuse then.
    const alone = generated.replace(/ALTER TABLE "\w+" ADD CONSTRAINT .*\n/g, '')
    writeFolder(folder, alone.replace(right, wrong))
    const refused: unknown = await migrate(subject, registry, { folder }).catch((error: unknown) => error)
    const told = (refused as MigrationRefused).differences.filter((difference) => difference.startsWith('plans'))
    expect(told).toEqual([words])
  })
})
