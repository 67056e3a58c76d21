import type { FeatureMigration } from '@plinth/core'

/*
 * What the runtime login may do: read what may be read of them, change what their owner may change, and remove them. It makes none, since a
 * webhook without a secret would be one whose requests anybody can make, and it writes no delivery: those are what happened.
 */
export const webhooksMigration: FeatureMigration = {
  id: '0001_webhooks',
  sql: `
create table plinth.webhooks_out (
  tenant_id uuid not null,
  id uuid not null,
  owner_user_id uuid,
  owner_group_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version int not null default 1,
  url text not null,
  description text,
  events jsonb not null,
  active boolean not null default true,
  failing_since timestamptz,
  -- It asked for a rest.
  paused_until timestamptz,
  disabled_at timestamptz,
  disabled_reason text,
  -- What waits for it and is not to be sent any more is still to be ended; until then nothing is.
  prune boolean not null default false,
  constraint webhooks_out_pk primary key (tenant_id, id),
  constraint webhooks_out_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade,
  constraint webhooks_out_events_check check (jsonb_typeof(events) = 'array'),
  constraint webhooks_out_reason_check check (disabled_reason in ('gone', 'failing', 'overrun'))
);
create index webhooks_out_recent_idx on plinth.webhooks_out (tenant_id, created_at desc, id desc);
create index webhooks_out_prune_idx on plinth.webhooks_out (tenant_id, id) where prune;
comment on table plinth.webhooks_out is 'URLs that a tenant wants to be told at what happens in it.';
grant select, delete on plinth.webhooks_out to {app};
grant update (url, description, events, active, owner_group_id, updated_at, version) on plinth.webhooks_out to {app};
grant select, insert, update, delete on plinth.webhooks_out to {system};

-- In a table of their own, which the runtime login cannot read.
create table plinth.webhook_secrets (
  tenant_id uuid not null,
  id uuid not null,
  -- Sealed: the secret, and those before it that still sign.
  secret text not null,
  constraint webhook_secrets_pk primary key (tenant_id, id),
  constraint webhook_secrets_webhook_fk foreign key (tenant_id, id) references plinth.webhooks_out (tenant_id, id) on delete cascade
);
comment on table plinth.webhook_secrets is 'By what requests to webhooks are signed. Read and written by plinth_system alone.';
grant select, insert, update, delete on plinth.webhook_secrets to {system};

-- Where it goes elsewhere, or is switched on again, nothing of what was is held against it.
create function plinth.webhook_anew() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    new.failing_since := null;
    new.paused_until := null;
    new.disabled_at := null;
    new.disabled_reason := null;
    return new;
  end
  $$;
create trigger webhooks_out_anew before update on plinth.webhooks_out for each row
  when (new.active and not old.active or new.url <> old.url) execute function plinth.webhook_anew();

create function plinth.webhook_heard() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    new.prune := true;
    return new;
  end
  $$;
create trigger webhooks_out_heard before update on plinth.webhooks_out for each row
  when (old.active and not new.active or new.events <> old.events) execute function plinth.webhook_heard();

create table plinth.webhook_deliveries (
  tenant_id uuid not null,
  id uuid not null,
  owner_user_id uuid,
  owner_group_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version int not null default 1,
  -- In the order of the events of a key.
  seq bigint generated always as identity,
  webhook_id uuid not null,
  -- The receiver's key against doubles: the event's own, however often it is sent.
  event_id uuid not null,
  type text not null,
  key text not null,
  -- As it is sent, byte for byte, and signed: printed once.
  body text not null,
  status text not null default 'pending',
  -- Of this round: one that is sent again begins anew.
  attempts int not null default 0,
  -- How often it may be tried in this round.
  most_attempts int not null default 10,
  next_at timestamptz,
  tried_at timestamptz,
  -- Whoever has it in hand, until when.
  lease uuid,
  lease_until timestamptz,
  delivered_at timestamptz,
  log jsonb not null default '[]',
  request_id text not null,
  traceparent text,
  constraint webhook_deliveries_pk primary key (tenant_id, id),
  constraint webhook_deliveries_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade,
  constraint webhook_deliveries_webhook_fk foreign key (tenant_id, webhook_id)
    references plinth.webhooks_out (tenant_id, id) on delete cascade,
  constraint webhook_deliveries_event_key unique (tenant_id, webhook_id, event_id),
  constraint webhook_deliveries_status_check check (status in ('pending', 'delivered', 'failed'))
);
create index webhook_deliveries_recent_idx on plinth.webhook_deliveries (tenant_id, webhook_id, created_at desc, id desc);
create index webhook_deliveries_due_idx on plinth.webhook_deliveries (tenant_id, webhook_id, next_at, seq) where status = 'pending';
create index webhook_deliveries_first_idx on plinth.webhook_deliveries (tenant_id, webhook_id, md5(key), seq)
  where status = 'pending' and tried_at is null;
create index webhook_deliveries_test_idx on plinth.webhook_deliveries (next_at) where status = 'pending' and type = 'webhook.test';
create index webhook_deliveries_leased_idx on plinth.webhook_deliveries (tenant_id, webhook_id) where lease is not null;
create index webhook_deliveries_old_idx on plinth.webhook_deliveries (created_at);
comment on table plinth.webhook_deliveries is 'What was, is or shall be sent to webhooks, and what became of it.';
grant select (tenant_id, id, owner_user_id, owner_group_id, created_at, updated_at, version, webhook_id, event_id, type, key, body, status,
  attempts, next_at, delivered_at, log, request_id, traceparent) on plinth.webhook_deliveries to {app};
grant select, insert, update, delete on plinth.webhook_deliveries to {system};
`,
}
