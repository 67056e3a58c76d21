-- Who may do what with which rows, beside what roles say. Begins as the login that migrates.
--
-- The platform's own table, and not that of the feature which edits it: generated statements read it, and deletions clean it.

set local role {owner};

create table plinth.acl_entries (
  tenant_id uuid not null,
  id uuid not null,
  owner_user_id uuid,
  owner_group_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version int not null default 1,
  model text collate "C" not null,
  -- One of the model, or * for every one.
  action text collate "C" not null,
  -- The id of a row as PostgreSQL prints it; null is every row.
  record_id text collate "C",
  subject_kind text collate "C" not null,
  subject_id text collate "C" not null,
  effect text collate "C" not null,
  subject text collate "C" not null generated always as (subject_kind || ':' || subject_id) stored,
  everything boolean not null generated always as (record_id is null) stored,
  constraint acl_entries_pk primary key (tenant_id, id),
  constraint acl_entries_key unique nulls not distinct (tenant_id, model, record_id, subject, action, effect),
  constraint acl_entries_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade,
  constraint acl_entries_subject_check check (subject_kind in ('user', 'group', 'role', 'service', 'apiKey')),
  constraint acl_entries_effect_check check (effect in ('allow', 'deny'))
);
comment on table plinth.acl_entries is
  'Entries of the ACL: one subject, one action of a model or all, one row or all, allowed or denied. A denial wins.';
create index acl_entries_recent_idx on plinth.acl_entries (tenant_id, created_at desc, id desc);
-- From whoever asks to what is said of him, and to the rows. The other way, from a row to its entries, is the unique key.
create index acl_entries_subject_idx on plinth.acl_entries (tenant_id, subject, model, action, effect, everything, record_id);

alter table plinth.acl_entries enable row level security, force row level security;
create policy plinth_tenant on plinth.acl_entries as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.acl_entries to {app} using (true) with check (true);
create policy plinth_system on plinth.acl_entries to {system} using (true) with check (true);
create policy plinth_lookup on plinth.acl_entries to {lookup} using (true);
grant select, insert, delete on plinth.acl_entries to {app}, {system};
-- Names nobody: a lock of the row, which a deletion takes, needs the right to change something.
grant update (version) on plinth.acl_entries to {app}, {system};
grant select (tenant_id, subject, model, action, effect, everything), delete on plinth.acl_entries to {lookup};

grant create on schema plinth to {lookup};
set local role {lookup};

create function plinth.find_acl(wanted_tenant uuid, wanted_subjects text[])
  returns table (said text)
  language sql stable security definer rows 1
  set search_path = pg_catalog, pg_temp
  as $$
    -- From one thing that is said to the next, however many rows it names: a role with 10,000 entries costs as many steps as there
    -- are models and actions among them. Whether rows that are allowed are many is counted no further than it matters.
    with recursive walk as (
      select f.* from unnest(wanted_subjects) s(subject) cross join lateral (
        select e.subject, e.model, e.action, e.effect, e.everything from plinth.acl_entries e
        where e.tenant_id = wanted_tenant and e.subject = s.subject
        order by e.model, e.action, e.effect, e.everything limit 1) f
      union all
      select f.* from walk w cross join lateral (
        select e.subject, e.model, e.action, e.effect, e.everything from plinth.acl_entries e
        where e.tenant_id = wanted_tenant and e.subject = w.subject
          and (e.model, e.action, e.effect, e.everything) > (w.model, w.action, w.effect, w.everything)
        order by e.model, e.action, e.effect, e.everything limit 1) f)
    select jsonb_agg(jsonb_build_array(w.subject, w.model, w.action, w.effect, w.everything,
        w.effect = 'allow' and not w.everything and (select count(*) from (
          select from plinth.acl_entries e
          where e.tenant_id = wanted_tenant and e.subject = w.subject and e.model = w.model and e.action = w.action
            and e.effect = w.effect and not e.everything
          limit 1001) counted) > 1000)
      order by w.subject, w.model, w.action, w.effect, w.everything)::text
    from walk w having count(*) > 0
  $$;
comment on function plinth.find_acl(uuid, text[]) is
  'What the ACL of one tenant says of these subjects, in summary, for every request of theirs. At most one row.';
revoke all on function plinth.find_acl(uuid, text[]) from public;
grant execute on function plinth.find_acl(uuid, text[]) to {app}, {system};

-- Whoever is gone leaves no entry behind: under his id, or the name of a role that comes again, it would mean somebody else.
-- Arguments: the kind of subject, and the column that holds its id. It does not run as whoever deletes, for what a foreign key takes
-- along is deleted as {owner}, whom no policy lets see a row.
create function plinth.forget_acl_subject() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    delete from plinth.acl_entries e
      where e.tenant_id = old.tenant_id and e.subject = tg_argv[0] || ':' || (to_jsonb(old) ->> tg_argv[1]);
    return null;
  end
  $$;
comment on function plinth.forget_acl_subject() is 'Deletes the ACL entries about what was deleted: of users, groups, roles, services and keys.';
revoke all on function plinth.forget_acl_subject() from public;
grant execute on function plinth.forget_acl_subject() to {owner};

set local role {owner};
revoke create on schema plinth from {lookup};

create trigger memberships_acl after delete on plinth.memberships
  for each row execute function plinth.forget_acl_subject('user', 'user_id');
create trigger groups_acl after delete on plinth.groups
  for each row execute function plinth.forget_acl_subject('group', 'id');
