-- Limits: the buckets of all processes, and the rates of single tenants.

set local role {owner};

-- One number for a bucket: when it will be full again, in microseconds since 1970. A full bucket needs no row.
-- UNLOGGED: a charge costs no write-ahead log. After a crash of the server all buckets are full; on a replica there are none.
-- The rows are updated in place (HOT) as long as a page has room.
create unlogged table plinth.rate_buckets (
  key text not null,
  full_at bigint not null,
  constraint rate_buckets_pk primary key (key)
) with (fillfactor = 50);
comment on table plinth.rate_buckets is
  'Buckets of limits. Keys are digests: no address and no name can be read from them. Reached by take_tokens alone.';

create table plinth.rate_limits (
  tenant_id uuid not null,
  scope text not null,
  max_requests int not null,
  window_seconds int not null,
  updated_at timestamptz not null default now(),
  constraint rate_limits_pk primary key (tenant_id, scope),
  constraint rate_limits_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade,
  constraint rate_limits_scope_check check (scope in ('tenant', 'principal')),
  constraint rate_limits_rate_check check (
    max_requests between 1 and 1000000000 and window_seconds between 1 and 31622400
    and max_requests / window_seconds <= 100000
  )
);
comment on table plinth.rate_limits is
  'Rates of single tenants, in the place of the platform''s: of the tenant as a whole, or of each of its principals.';

alter table plinth.rate_buckets enable row level security, force row level security;
create policy plinth_lookup on plinth.rate_buckets to {lookup} using (true) with check (true);
create policy plinth_system on plinth.rate_buckets to {system} using (true) with check (true);

alter table plinth.rate_limits enable row level security, force row level security;
create policy plinth_tenant on plinth.rate_limits as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.rate_limits to {app} using (true) with check (true);
create policy plinth_system on plinth.rate_limits to {system} using (true) with check (true);
create policy plinth_lookup on plinth.rate_limits for select to {lookup} using (true);

-- The runtime login has no right on the buckets: with one it could read, or fill, those of everybody.
grant select, insert, update on plinth.rate_buckets to {lookup};
grant select, delete on plinth.rate_buckets to {system};
grant select on plinth.rate_limits to {app};
grant select, insert, update, delete on plinth.rate_limits to {system};
grant select on plinth.rate_limits to {lookup};

grant create on schema plinth to {lookup};
set local role {lookup};

-- Each bucket's row is locked before it is looked at, in one order for all callers: two that held each other's next one would
-- wait for ever. The rows of one call are written only when all have enough.
create function plinth.take_tokens(keys text[], intervals bigint[], capacities bigint[], costs bigint[], partials boolean[])
  returns table (granted bigint, used bigint, charged boolean)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  as $$
    declare
      held int;
      moment bigint;
      grants bigint[] := '{}';
      uses bigint[] := '{}';
      free bigint;
      enough boolean := true;
    begin
      -- Again where the sweep took a row between the two statements.
      loop
        insert into plinth.rate_buckets (key, full_at) select k, 0 from unnest(keys) k order by k collate "C"
          on conflict do nothing;
        perform from plinth.rate_buckets b where b.key = any (keys) order by b.key collate "C" for update;
        get diagnostics held = row_count;
        exit when held = cardinality(keys);
      end loop;
      -- After the locks: of two callers the later one has the later time.
      moment := floor(extract(epoch from clock_timestamp()) * 1000000);
      for i in 1 .. cardinality(keys) loop
        -- Never emptier than empty: the rate may have been another one before, and a clock may have been set back.
        uses[i] := (select least(greatest(0, b.full_at - moment), intervals[i] * capacities[i])
          from plinth.rate_buckets b where b.key = keys[i]);
        free := (intervals[i] * capacities[i] - uses[i]) / intervals[i];
        grants[i] := case when costs[i] <= free then costs[i] when partials[i] then free else 0 end;
        enough := enough and (costs[i] <= 0 or grants[i] = costs[i] or (partials[i] and grants[i] > 0));
      end loop;
      if enough then
        update plinth.rate_buckets b set full_at = moment + greatest(0, g.used + g.granted * g.step)
          from unnest(keys, grants, uses, intervals) g (key, granted, used, step)
          where b.key = g.key and g.granted <> 0;
      end if;
      return query select g.granted, g.used, enough from unnest(grants, uses) with ordinality g (granted, used, place)
        order by g.place;
    end
  $$;
comment on function plinth.take_tokens(text[], bigint[], bigint[], bigint[], boolean[]) is
  'Takes from several buckets, all or none. Microseconds and tokens; what it answers is of before the call.';
revoke all on function plinth.take_tokens(text[], bigint[], bigint[], bigint[], boolean[]) from public;
grant execute on function plinth.take_tokens(text[], bigint[], bigint[], bigint[], boolean[]) to {app}, {system};

-- Every process asks once a second for the tenants that it serves, all in one statement.
create function plinth.tenant_rates(wanted uuid[]) returns table (tenant_id uuid, scope text, max_requests int, window_seconds int)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  as $$
    select r.tenant_id, r.scope, r.max_requests, r.window_seconds from plinth.rate_limits r where r.tenant_id = any (wanted)
  $$;
comment on function plinth.tenant_rates(uuid[]) is 'The rates of these tenants, before one of them is set.';
revoke all on function plinth.tenant_rates(uuid[]) from public;
grant execute on function plinth.tenant_rates(uuid[]) to {app}, {system};

set local role {owner};
revoke create on schema plinth from {lookup};
