import type { FeatureMigration } from '@plinth/core'
import { QUEUE_NAME, QUEUE_SCHEMA, queueTables } from './queue/queue-tables.ts'

const knownStatus =
  "status in ('scheduled', 'waiting', 'held', 'queued', 'running', 'completed', 'cancelled', 'dead', 'discarded')"

/*
 * What the runtime login may change of a job is what its own transaction says of it: that it is done, and with what. Who asked for it,
 * what for and when is written once.
 */
export const migrations: readonly FeatureMigration[] = [
  {
    id: '0001_jobs',
    sql: `
create table plinth.background_jobs (
  tenant_id uuid not null,
  id uuid not null,
  owner_user_id uuid,
  owner_group_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version int not null default 1,
  -- In the order of asking, in the whole platform.
  seq bigint generated always as identity,
  type text not null,
  payload jsonb not null,
  -- Jobs of one tenant with one key run one after the other.
  key text,
  priority int not null default 0,
  status text not null,
  attempts int not null default 0,
  max_attempts int not null,
  run_at timestamptz not null,
  idempotency_key text,
  principal_kind text not null,
  principal_id text not null,
  second_factor boolean not null,
  request_id text not null,
  -- Under which id the queue has it; another one each time that it is handed over, so that what an earlier one still does is void.
  delivery uuid not null default gen_random_uuid(),
  queued_at timestamptz,
  worker text,
  lease_until timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  progress real,
  note text,
  result jsonb,
  error text,
  constraint background_jobs_pk primary key (tenant_id, id),
  constraint background_jobs_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade,
  constraint background_jobs_status_check check
    (status in ('scheduled', 'waiting', 'held', 'queued', 'running', 'completed', 'cancelled', 'dead', 'discarded')),
  constraint background_jobs_priority_check check (priority between -100 and 100),
  constraint background_jobs_principal_check check (principal_kind in ('user', 'service', 'apiKey', 'system'))
);
create unique index background_jobs_idempotency_key on plinth.background_jobs (tenant_id, type, idempotency_key)
  where idempotency_key is not null;
create index background_jobs_recent_idx on plinth.background_jobs (tenant_id, created_at desc, id desc);
create index background_jobs_owner_idx on plinth.background_jobs (tenant_id, owner_user_id, created_at desc, id desc)
  where owner_user_id is not null;
create index background_jobs_dead_idx on plinth.background_jobs (tenant_id, created_at desc, id desc) where status = 'dead';
create index background_jobs_scheduled_idx on plinth.background_jobs (run_at) where status = 'scheduled';
create index background_jobs_waiting_idx on plinth.background_jobs (tenant_id, priority desc, seq) where status = 'waiting';
create index background_jobs_depth_idx on plinth.background_jobs (tenant_id, status) where status in ('waiting', 'scheduled', 'held');
create index background_jobs_flight_idx on plinth.background_jobs (tenant_id, type, status, key) where status in ('queued', 'running');
create index background_jobs_key_idx on plinth.background_jobs (tenant_id, key, seq)
  where key is not null and status in ('scheduled', 'waiting', 'held', 'queued', 'running');
create index background_jobs_delivery_idx on plinth.background_jobs (delivery) where status in ('waiting', 'queued', 'running');
create index background_jobs_finished_idx on plinth.background_jobs (finished_at) where finished_at is not null;
comment on table plinth.background_jobs is
  'What is to be done later, and what became of it. The truth about jobs: the queue in ${QUEUE_SCHEMA} holds what is on its way to a worker.';

grant select, insert on plinth.background_jobs to {app};
grant update (status, finished_at, result, error, progress, lease_until, updated_at, version) on plinth.background_jobs to {app};
grant select, insert, update, delete on plinth.background_jobs to {system};

create table plinth.kept_results (
  tenant_id uuid not null,
  key text not null,
  -- None where the work failed and the transaction went on all the same: whoever comes next does it.
  result jsonb,
  created_at timestamptz not null default now(),
  constraint kept_results_pk primary key (tenant_id, key),
  constraint kept_results_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade
);
create index kept_results_created_idx on plinth.kept_results (created_at);
comment on table plinth.kept_results is 'What ctx.once came to.';
grant select, insert on plinth.kept_results to {app};
grant update (result) on plinth.kept_results to {app};
grant select, insert, update, delete on plinth.kept_results to {system};

create table plinth.job_schedules (
  job text primary key,
  -- The last time by its clock for which jobs were made.
  made_until timestamptz not null
);
alter table plinth.job_schedules enable row level security, force row level security;
create policy job_schedules_system on plinth.job_schedules to {system} using (true) with check (true);
comment on table plinth.job_schedules is 'Up to when jobs that run by the clock were made. Belongs to the platform and to no tenant.';
grant select, insert, update on plinth.job_schedules to {system};
`,
  },
  {
    // The queue holds nothing but what is on its way: another version of its library makes it anew, and what was in it is handed over again.
    id: `0002_queue_${queueTables.version}`,
    remakes: QUEUE_SCHEMA,
    sql: `
${queueTables.sql}
select ${QUEUE_SCHEMA}.create_queue('${QUEUE_NAME}', '{"policy": "standard", "retryLimit": 0, "expireInSeconds": 86400}'::jsonb);
grant usage on schema ${QUEUE_SCHEMA} to {system};
grant select, insert, update, delete on all tables in schema ${QUEUE_SCHEMA} to {system};
`,
  },
  {
    // Each change of a job writes to every index that holds its row afterwards, and a job is changed three times: eleven became nine, of
    // which a job that nobody asked for by a key and that has no owner is in three at a time. Rows are found by their key, never by their
    // delivery.
    id: '0003_fewer_indexes',
    sql: `
drop index plinth.background_jobs_depth_idx, plinth.background_jobs_flight_idx, plinth.background_jobs_delivery_idx;
create index background_jobs_later_idx on plinth.background_jobs (tenant_id) where status in ('scheduled', 'held');
create index background_jobs_flight_idx on plinth.background_jobs (tenant_id, type) where status in ('queued', 'running');
`,
  },
  {
    // The settings of a transaction can be set by whoever brings SQL of his own into it; the seal is what he cannot make.
    id: '0004_seal',
    sql: `
alter table plinth.background_jobs
  add column traceparent text,
  add column seal text not null default '',
  add constraint background_jobs_traceparent_check check (length(traceparent) = 55);
create policy background_jobs_asker on plinth.background_jobs as restrictive for insert to {app} with check (
  seal <> '' and principal_kind <> 'system'
  and (principal_kind = 'service' or principal_id = nullif(current_setting('plinth.principal', true), '')));
`,
  },
  {
    // Policies and no CHECK: the text of a constraint is parsed and planned anew in every statement that writes, of which a job has four; a
    // policy is planned once, with its statement.
    id: '0005_rules',
    sql: `
create policy background_jobs_told on plinth.background_jobs as restrictive for insert to {app}, {system}
  with check (${knownStatus} and priority between -100 and 100 and principal_kind in ('user', 'service', 'apiKey', 'system')
    and (length(traceparent) = 55) is not false);
create policy background_jobs_known on plinth.background_jobs as restrictive for update to {app}, {system}
  using (true) with check (${knownStatus});
alter table plinth.background_jobs drop constraint background_jobs_status_check, drop constraint background_jobs_priority_check,
  drop constraint background_jobs_principal_check, drop constraint background_jobs_traceparent_check;
`,
  },
  {
    // Whoever leads and runs jobs hands them to itself, and not to the queue, while nobody else says here that he is there.
    id: '0006_workers',
    sql: `
create table plinth.job_workers (
  worker text primary key,
  started_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp()
);
alter table plinth.job_workers enable row level security, force row level security;
create policy job_workers_system on plinth.job_workers to {system} using (true) with check (true);
comment on table plinth.job_workers is 'Who runs jobs, as each says every two seconds. Belongs to the platform and to no tenant.';
grant select, insert, update, delete on plinth.job_workers to {system};
`,
  },
  {
    // A job that ran for hours and is given back has not waited since it was due.
    id: '0007_waiting_since',
    sql: `
alter table plinth.background_jobs add column waiting_since timestamptz;
comment on column plinth.background_jobs.waiting_since is
  'When it came back to wait, from a worker or with its tenant: by the clock of the server. None for what waits since it was due.';
`,
  },
  {
    // The runtime login inserts jobs, says of one that runs that it is done, and nothing else: a job that is done and made to wait would run
    // again. It asks for no seal, which with another input or put there again would be worth what it was. A job that the release before
    // asked for has none of its input.
    id: '0008_input_seal',
    sql: `
alter table plinth.background_jobs add column input_seal text;
revoke select on plinth.background_jobs from {app};
grant select (tenant_id, id, owner_user_id, owner_group_id, created_at, updated_at, version, seq, type, payload, key, priority, status,
  attempts, max_attempts, run_at, idempotency_key, principal_kind, principal_id, second_factor, request_id, traceparent, delivery, queued_at,
  waiting_since, worker, lease_until, started_at, finished_at, progress, note, result, error) on plinth.background_jobs to {app};
create policy background_jobs_done on plinth.background_jobs as restrictive for update to {app}
  using (coalesce(status, '') = 'running') with check (status = 'completed' and finished_at is not null);
`,
  },
]
