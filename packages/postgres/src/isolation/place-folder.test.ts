import { integer, text } from 'drizzle-orm/pg-core'
import { resourceTable } from '@plinth/core'
import { describe, expect, test } from 'vitest'
import { registryOf } from '../../tests/migration-fixture.ts'
import { splitStatements } from '../migrate/split-statements.ts'
import { placeFolder, type PlacedFolder } from './place-folder.ts'

const sites = resourceTable('sites', { name: text().notNull() })
const pages = resourceTable('pages', { rank: integer() })
const registry = registryOf([sites, pages])

const parted = (...migrations: readonly string[]): PlacedFolder =>
  placeFolder(
    {
      path: 'drizzle',
      migrations: migrations.map((sql, at) => ({
        tag: `000${at}`,
        folderMillis: 1_700_000_000_000 + at,
        hash: '',
        statements: splitStatements(sql),
      })),
    },
    registry,
  )
const of = (part: PlacedFolder['shared']): readonly string[] => part.migrations.flatMap((one) => one.statements)

describe('whose a statement is', () => {
  test.each([
    ['CREATE TABLE "sites" ("id" uuid)', 'CREATE TABLE "?tenant"."sites" ("id" uuid)'],
    ['create table if not exists public.sites (id uuid)', 'create table if not exists "?tenant".sites (id uuid)'],
    [
      'ALTER TABLE ONLY "public"."sites" ENABLE ROW LEVEL SECURITY',
      'ALTER TABLE ONLY "?tenant"."sites" ENABLE ROW LEVEL SECURITY',
    ],
    [
      'ALTER TABLE "pages" ADD CONSTRAINT "fk" FOREIGN KEY ("a") REFERENCES "public"."sites"("id")',
      'ALTER TABLE "?tenant"."pages" ADD CONSTRAINT "fk" FOREIGN KEY ("a") REFERENCES "?tenant"."sites"("id")',
    ],
    [
      'CREATE UNIQUE INDEX "i" ON "sites" USING btree ("id")',
      'CREATE UNIQUE INDEX "i" ON "?tenant"."sites" USING btree ("id")',
    ],
    ['CREATE INDEX ON sites (id)', 'CREATE INDEX ON "?tenant".sites (id)'],
    [
      'CREATE POLICY "p" ON "sites" TO public USING (true)',
      'CREATE POLICY "p" ON "?tenant"."sites" TO public USING (true)',
    ],
    [
      'create trigger t before update on sites for each row execute function public.touch()',
      'create trigger t before update on "?tenant".sites for each row execute function public.touch()',
    ],
    [
      'CREATE VIEW "public"."live" AS (select * from "sites")',
      'CREATE VIEW "?tenant"."live" AS (select * from "sites")',
    ],
    [
      '-- of public.sites\nupdate "sites" set name = \'public.sites\'',
      '-- of public.sites\nupdate "sites" set name = \'public.sites\'',
    ],
    [
      `DO $$ BEGIN ALTER TABLE "pages" ADD FOREIGN KEY ("a") REFERENCES "public"."sites"; END $$`,
      `DO $$ BEGIN ALTER TABLE "pages" ADD FOREIGN KEY ("a") REFERENCES "?tenant"."sites"; END $$`,
    ],
  ])('each tenant’s: %s', (sql, expected) => {
    const { shared, tenant } = parted(sql)
    expect([of(shared), of(tenant)]).toEqual([[], [expected]])
  })

  test.each([
    'CREATE TYPE "public"."mood" AS ENUM(\'sad\')',
    'CREATE EXTENSION citext',
    'CREATE TABLE "legacy" ("sites" uuid)',
    'CREATE TABLE "plinth"."sites" ("id" uuid)',
    'ALTER TABLE "legacy" ADD COLUMN "sites" integer',
    'CREATE INDEX "i" ON "legacy" ("sites")',
    "insert into legacy values ('from sites')",
    'create function touch() returns trigger language plpgsql as $$ begin return new; end $$',
  ])('shared: %s', (sql) => {
    const { shared, tenant } = parted(sql)
    expect([of(shared), of(tenant)]).toEqual([[sql], []])
  })

  test('a table is a tenant’s under every name that it had, and by its policy when it is gone', () => {
    const { shared, tenant } = parted(
      'CREATE TABLE "places" ("id" uuid); CREATE TABLE "gone" ("id" uuid); CREATE POLICY "plinth_tenant" ON "gone" USING (true)',
      'ALTER TABLE "places" RENAME TO "old_sites"; DROP TABLE "gone" CASCADE',
      'ALTER TABLE "old_sites" RENAME TO "sites"; CREATE TABLE "legacy" ("id" uuid)',
    )
    expect(of(shared)).toEqual(['CREATE TABLE "legacy" ("id" uuid)'])
    expect(of(tenant)).toHaveLength(6)
  })

  test('what was made of a tenant’s table is his', () => {
    const { shared, tenant } = parted(
      'CREATE INDEX "sites_idx" ON "sites" ("id"); ALTER INDEX "sites_idx" RENAME TO "sites_other"; DROP INDEX "sites_other"',
      'CREATE VIEW "live" AS (select * from "sites"); CREATE VIEW "two" AS (select * from "public"."live"); DROP VIEW "public"."two"',
    )
    expect(of(shared)).toEqual([])
    expect(of(tenant).slice(3)).toEqual([
      'CREATE VIEW "live" AS (select * from "sites")',
      'CREATE VIEW "two" AS (select * from "?tenant"."live")',
      'DROP VIEW "?tenant"."two"',
    ])
  })

  test('a new tenant, who has no rows, does without the statements that change them', () => {
    const { tenant, replay } = parted(
      'ALTER TABLE "sites" ADD COLUMN "a" text; update sites set a = name; -- why\ndelete from "sites"',
    )
    expect([of(tenant).length, of(replay)]).toEqual([3, ['ALTER TABLE "?tenant"."sites" ADD COLUMN "a" text']])
  })

  test('a shared table that refers to a tenant’s is refused', () => {
    expect(() => parted('ALTER TABLE "legacy" ADD CONSTRAINT "fk" FOREIGN KEY ("a") REFERENCES "sites"("id")')).toThrow(
      'lets the shared table legacy refer to sites',
    )
  })
})

describe('types', () => {
  const made = 'CREATE TYPE "public"."mood" AS ENUM(\'sad\', \'odd\')'
  const anew = 'CREATE TYPE "public"."mood" AS ENUM(\'sad\')'

  test('a dropped one makes way, and is dropped when nobody has it', () => {
    const { shared, replay } = parted(made, `DROP TYPE "public"."mood"; ${anew}`)
    expect(of(shared)).toEqual([made, 'alter type "public"."mood" rename to "mood__dropped_1700000000001"', anew])
    expect(of(replay)).toEqual([])
  })

  test('one that is gone is made for a new tenant alone, whose old columns need it', () => {
    const { tenant, replay } = parted(
      `${made}; CREATE TABLE "sites" ("mood" "mood")`,
      'ALTER TABLE "sites" DROP COLUMN "mood"; DROP TYPE "public"."mood"',
    )
    expect(of(tenant)).toEqual([
      'CREATE TABLE "?tenant"."sites" ("mood" "mood")',
      'ALTER TABLE "?tenant"."sites" DROP COLUMN "mood"',
    ])
    expect(of(replay)).toEqual([
      'CREATE TYPE "?tenant"."mood" AS ENUM(\'sad\', \'odd\')',
      'CREATE TABLE "?tenant"."sites" ("mood" "mood")',
      'ALTER TABLE "?tenant"."sites" DROP COLUMN "mood"',
      'DROP TYPE "?tenant"."mood"',
    ])
  })
})
