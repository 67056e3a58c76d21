-- Which handlers have had an event, so that one that fails does not make the others run again; and events that no attempt could
-- deliver, which are set aside.

set local role {owner};
alter table plinth.events
  add column handled text[] not null default '{}',
  add column parked_at timestamptz;

drop index plinth.events_undelivered_idx;
create index events_undelivered_idx on plinth.events (seq) where delivered_at is null and parked_at is null;
drop index plinth.events_failed_idx;
create index events_failed_idx on plinth.events (tenant_id, key)
  where delivered_at is null and parked_at is null and attempts > 0;
create index events_parked_idx on plinth.events (parked_at) where delivered_at is null and parked_at is not null;
