import { isNull as sqlIsNull } from 'drizzle-orm'
import {
  bigint,
  boolean,
  char,
  date,
  doublePrecision,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgSchema,
  real,
  smallint,
  text,
  time,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { belongsTo, deletedAt, resourceTable } from '@plinth/core'
import type { Isolation } from '../src/isolation/tenant-schema.ts'

/*
 * Tables that show every case of the data layer, and a platform around them on either engine. The SQL is written out here, so
 * that these tests do not depend on the code that makes tables.
 */

export const mood = pgEnum('fixture_mood', ['sad', 'glad', 'angry'])

export const sites = resourceTable('sites', { name: text().notNull() })

export const projects = resourceTable(
  'projects',
  {
    name: text().notNull(),
    status: text({ enum: ['draft', 'live'] })
      .notNull()
      .default('draft'),
    contactEmail: text(),
    token: text(),
    internal: text(),
    siteId: belongsTo(() => sites),
    code: text().$defaultFn(() => `code-${(made += 1)}`),
    touched: text().$onUpdate(() => 'by update'),
  },
  (table) => [unique('projects_name_key').on(table.tenantId, table.name)],
)
let made = 0

export const notes = resourceTable(
  'notes',
  {
    body: text().notNull(),
    slug: text(),
    deletedAt: deletedAt(),
  },
  (table) => [uniqueIndex('notes_slug_key').on(table.tenantId, table.slug).where(sqlIsNull(table.deletedAt))],
)

/** One column of each kind, all nullable but two. */
export const samples = resourceTable('samples', {
  label: text(),
  caption: varchar({ length: 40 }),
  fixed: char({ length: 6 }),
  mood: mood(),
  other: uuid(),
  small: smallint(),
  whole: integer(),
  big: bigint({ mode: 'number' }),
  huge: bigint({ mode: 'bigint' }),
  thin: real(),
  wide: doublePrecision(),
  amount: numeric({ precision: 12, scale: 3 }),
  flag: boolean(),
  at: timestamp({ withTimezone: true }),
  plain: timestamp(),
  day: date(),
  hour: time(),
  data: jsonb(),
  rank: integer().notNull().default(0),
  title: text().notNull().default(''),
})

/** What a feature records: everything that a write can tell. */
export const history = pgSchema('plinth').table('fixture_history', {
  tenantId: uuid('tenant_id').notNull(),
  id: uuid('id').notNull(),
  rowId: uuid('row_id'),
  version: integer('version'),
  who: text('who'),
  event: text('event'),
  requestId: text('request_id'),
  at: timestamp('at', { withTimezone: true }),
  before: jsonb('before'),
  after: jsonb('after'),
  note: text('note'),
})

const platform = `tenant_id uuid not null, id uuid not null, owner_user_id uuid, owner_group_id uuid,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(), version integer not null default 1`

const collated = (collation: string): string => (collation === '' ? '' : ` collate "${collation}"`)

/** What is there once: the type, and what features record. */
const sharedSql = `
create type public.fixture_mood as enum ('sad', 'glad', 'angry');
create table plinth.fixture_history (tenant_id uuid not null, id uuid not null primary key, row_id uuid, version integer, who text, event text,
  request_id text, at timestamptz, before jsonb, after jsonb, note text, constraint fixture_history_note_check check (note <> 'refused'));
create function plinth.fixture_refuse() returns trigger language plpgsql as $$ begin
  if new.note = 'raise' then raise exception 'the history is full'; end if; return new; end $$;
create trigger fixture_refuse before insert on plinth.fixture_history for each row execute function plinth.fixture_refuse();
${secure('plinth.fixture_history')}`

const placedSql = (place: string, collation: string): string => `
create table ${place}.sites (${platform}, name text not null, constraint sites_pk primary key (tenant_id, id));
create table ${place}.projects (${platform}, name text not null, status text not null default 'draft', contact_email text, token text, internal text,
  site_id uuid, code text, touched text, constraint projects_pk primary key (tenant_id, id), constraint projects_name_key unique (tenant_id, name),
  constraint projects_status_check check (status in ('draft', 'live')),
  constraint projects_site_id_fk foreign key (tenant_id, site_id) references ${place}.sites (tenant_id, id) on delete restrict);
create table ${place}.notes (${platform}, body text not null, slug text, deleted_at timestamptz, constraint notes_pk primary key (tenant_id, id));
create unique index notes_slug_key on ${place}.notes (tenant_id, slug) where deleted_at is null;
create table ${place}.samples (${platform}, label text${collated(collation)}, caption varchar(40)${collated(collation)}, fixed char(6), mood public.fixture_mood,
  other uuid, small smallint, whole integer, big bigint, huge bigint, thin real, wide double precision, amount numeric(12, 3), flag boolean,
  at timestamptz, plain timestamp, day date, hour time, data jsonb, rank integer not null default 0, title text${collated(collation)} not null default '',
  constraint samples_pk primary key (tenant_id, id));
create index samples_recent_idx on ${place}.samples (tenant_id, created_at desc, id desc);
${['sites', 'projects', 'notes', 'samples'].map((table) => secure(`${place}.${table}`)).join('')}`

function secure(table: string): string {
  return `
alter table ${table} enable row level security, force row level security;
create policy plinth_tenant on ${table} as restrictive using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_rows on ${table} using (true);
grant select, insert, update, delete on ${table} to {app}, {system};`
}

/** With a schema for each tenant, `plinth.make_tenant_schema` is there in place of the product's tables. */
export const tablesSql = (collation: string, isolation: Isolation): string =>
  isolation === 'shared'
    ? `${sharedSql}${placedSql('public', collation)}`
    : `${sharedSql}
create function plinth.make_tenant_schema(tenant uuid) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $make$
begin
  execute replace($tables$create schema ?place?; grant usage on schema ?place? to {app}, {system};${placedSql('?place?', collation)}$tables$,
    '?place?', 'tenant_' || replace(tenant::text, '-', ''));
end $make$;
revoke all on function plinth.make_tenant_schema(uuid) from public;
grant execute on function plinth.make_tenant_schema(uuid) to {system};`
