import type { FeatureMigration } from '@plinth/core'

/** The runtime login reads invitations and not what is kept of their tokens: no statement of it needs that. */
export const formerMembersMigration: FeatureMigration = {
  id: '0006_former_members',
  sql: `
revoke select on plinth.invitations from {app};
grant select (tenant_id, id, owner_user_id, owner_group_id, created_at, updated_at, version, email, name, roles, status, expires_at,
  accepted_at, user_id) on plinth.invitations to {app};

-- Who was put out does not come back by his address alone: that it was verified once says nothing of today.
create table plinth.parted_members (
  tenant_id uuid not null,
  user_id uuid not null,
  constraint parted_members_pk primary key (tenant_id, user_id),
  constraint parted_members_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade,
  constraint parted_members_user_fk foreign key (user_id) references plinth.users (id) on delete cascade
);
create index parted_members_user_idx on plinth.parted_members (user_id);
comment on table plinth.parted_members is 'Who left a tenant or was removed. He comes back by an invitation.';
alter table plinth.parted_members enable row level security, force row level security;
create policy plinth_tenant on plinth.parted_members as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.parted_members to {app} using (true) with check (true);
create policy plinth_system on plinth.parted_members to {system} using (true) with check (true);
grant select, insert, delete on plinth.parted_members to {system};
`,
}
