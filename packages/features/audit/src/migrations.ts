import type { FeatureMigration } from '@plinth/core'

/** What the book takes, of an entry in the inbox; NULL says nothing against it. */
const readable = `(occurred_at >= '0001-01-01T00:00:00Z' and occurred_at < '10000-01-01T00:00:00Z'
    and octet_length(actor_id) <= 512 and octet_length(request_id) <= 512 and octet_length(action) between 1 and 512
    and (octet_length(on_behalf_of) <= 512) is not false and (octet_length(target) <= 2048) is not false
    and (jsonb_typeof(masked) = 'array') is not false and (jsonb_typeof(personal) = 'object') is not false)`

/*
 * None of it refers to tenants: a check would lock the tenant's row in every write, and the chain of the platform has no tenant.
 */
export const migrations: readonly FeatureMigration[] = [
  {
    id: '0001_audit',
    sql: `
create table plinth.audit_inbox (
  tenant_id uuid not null,
  position bigint not null generated always as identity,
  occurred_at timestamptz not null,
  actor_kind text not null,
  actor_id text not null,
  on_behalf_of text,
  action text not null,
  target text,
  outcome text not null default 'success',
  request_id text not null,
  repeated int not null default 1,
  before jsonb,
  after jsonb,
  masked jsonb,
  personal jsonb,
  detail jsonb,
  address text,
  user_agent text,
  constraint audit_inbox_pk primary key (tenant_id, position)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);
comment on table plinth.audit_inbox is
  'Entries written in the statement of the change, a second or so before they are in the book.';
grant insert on plinth.audit_inbox to {app};
grant select, insert, delete on plinth.audit_inbox to {system};

create table plinth.audit_logs (
  tenant_id uuid not null,
  seq bigint not null,
  id uuid not null,
  occurred_at timestamptz not null,
  actor_kind text collate "C" not null,
  actor_id text collate "C" not null,
  on_behalf_of text collate "C",
  action text collate "C" not null,
  target_type text collate "C" not null,
  target_id text collate "C",
  outcome text collate "C" not null,
  request_id text collate "C" not null,
  repeated int not null,
  changes json,
  detail json,
  origin text,
  personal text,
  hash text collate "C" not null,
  mac text collate "C" not null,
  constraint audit_logs_pk primary key (tenant_id, seq),
  constraint audit_logs_outcome_check check (outcome in ('success', 'denied', 'failed'))
);
comment on table plinth.audit_logs is
  'The book: one chain for each tenant, each entry with the hash of the one before. Rows are added and never changed.';
create index audit_logs_actor_idx on plinth.audit_logs (tenant_id, actor_id, seq);
create index audit_logs_target_idx on plinth.audit_logs (tenant_id, target_id, seq);
create index audit_logs_action_idx on plinth.audit_logs (tenant_id, action, seq);
create index audit_logs_time_idx on plinth.audit_logs (tenant_id, occurred_at);
create index audit_logs_request_idx on plinth.audit_logs (tenant_id, request_id);
grant select on plinth.audit_logs to {app};
grant select, insert on plinth.audit_logs to {system};

create function plinth.keep_audit_logs() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    raise exception 'an audit log is neither changed nor deleted'
      using errcode = '55000', schema = 'plinth', table = 'audit_logs';
  end
  $$;
comment on function plinth.keep_audit_logs() is 'Refuses every UPDATE, DELETE and TRUNCATE of the book, whoever asks.';
create trigger audit_logs_kept before update or delete on plinth.audit_logs
  for each row execute function plinth.keep_audit_logs();
create trigger audit_logs_whole before truncate on plinth.audit_logs
  for each statement execute function plinth.keep_audit_logs();

create table plinth.audit_subject_keys (
  tenant_id uuid not null,
  id uuid not null,
  subject text collate "C" not null,
  sealed text not null,
  created_at timestamptz not null,
  constraint audit_subject_keys_pk primary key (tenant_id, id),
  constraint audit_subject_keys_subject_key unique (subject, tenant_id)
);
comment on table plinth.audit_subject_keys is
  'Keys of the personal parts of the book, sealed by the key ring. To delete one is to erase what it encrypts.';
grant select on plinth.audit_subject_keys to {app};
grant select, insert, update, delete on plinth.audit_subject_keys to {system};

create table plinth.audit_keys (
  id text collate "C" not null,
  public_key text not null,
  sealed text not null,
  created_at timestamptz not null,
  constraint audit_keys_pk primary key (id)
);
comment on table plinth.audit_keys is
  'What signs checkpoints and entries, sealed by the key ring: who has the database alone can write no entry that verifies.';
alter table plinth.audit_keys enable row level security, force row level security;
create policy plinth_system on plinth.audit_keys to {system} using (true) with check (true);
grant select, insert on plinth.audit_keys to {system};
grant update (sealed) on plinth.audit_keys to {system};
`,
  },
  {
    // Who can run SQL as the runtime login writes in nobody's name but that of its transaction, tells of nothing but what was done, and leaves
    // nothing that the book would refuse. What was written before is kept, and judged by whoever seals. Policies and no CHECK: the text of
    // a constraint is parsed and planned anew in every statement that inserts, which was 100 of the 230 µs that the entry of a create took.
    id: '0002_inbox_rules',
    sql: `
create policy plinth_recorded on plinth.audit_inbox as restrictive for insert to {app}
  with check (actor_id = nullif(current_setting('plinth.principal', true), '')
    and actor_kind in ('user', 'service', 'apiKey', 'system') and outcome = 'success' and repeated = 1
    and ${readable});
create policy plinth_readable on plinth.audit_inbox as restrictive for insert to {system}
  with check (outcome in ('success', 'denied', 'failed') and actor_kind in ('user', 'service', 'apiKey', 'system', 'anonymous')
    and repeated >= 1 and ${readable});
`,
  },
  {
    // What a chain cannot hold. Whoever reads the book asks for no number, so an entry below 1 is shown, and one of another era has the
    // year of this one. A number that the id of an entry has no place for (48 bits) is the last one of its chain: no entry could follow it. Of
    // new rows alone: an old row that breaks it is named by whoever verifies, and holds up no upgrade; and nothing is read under the lock.
    id: '0003_book_rules',
    sql: `
alter table plinth.audit_logs
  add constraint audit_logs_seq_check check (seq > 0 and seq < 281474976710656) not valid,
  add constraint audit_logs_time_check check (occurred_at >= '0001-01-01T00:00:00Z' and occurred_at < '10000-01-01T00:00:00Z') not valid;
`,
  },
  {
    // The runtime login has no business there, and one column is the least that it can be granted: without any, it would have all rows of its
    // tenant.
    id: '0004_checkpoints',
    sql: `
create table plinth.audit_checkpoints (
  tenant_id uuid not null,
  checkpoint text,
  fault text,
  looked_at timestamptz not null,
  constraint audit_checkpoints_pk primary key (tenant_id)
);
comment on table plinth.audit_checkpoints is
  'The last checkpoint of each chain, signed: what comes behind it is verified before the next one. And what was found to be wrong.';
create index audit_checkpoints_fault_idx on plinth.audit_checkpoints (tenant_id) where fault is not null;
grant select (tenant_id) on plinth.audit_checkpoints to {app};
grant select, insert, update on plinth.audit_checkpoints to {system};
`,
  },
]
