-- The roles of members as rows that may be listed, like every other row of a tenant. Begins as the login that migrates.

set local role {owner};

alter table plinth.user_roles no force row level security;
alter table plinth.user_roles
  add column id uuid not null default gen_random_uuid(),
  -- Whose role it is: "own" are those that one has oneself.
  add column owner_user_id uuid,
  add column owner_group_id uuid,
  add column updated_at timestamptz not null default now(),
  add column version int not null default 1;
update plinth.user_roles set owner_user_id = user_id, updated_at = created_at;
alter table plinth.user_roles force row level security;

alter table plinth.user_roles
  drop constraint user_roles_pk,
  add constraint user_roles_pk primary key (tenant_id, id),
  add constraint user_roles_key unique (tenant_id, user_id, role);
create index user_roles_recent_idx on plinth.user_roles (tenant_id, created_at desc, id desc);

create function plinth.fill_user_role() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    new.owner_user_id := new.user_id;
    return new;
  end
  $$;
create trigger user_roles_fill before insert on plinth.user_roles for each row execute function plinth.fill_user_role();
