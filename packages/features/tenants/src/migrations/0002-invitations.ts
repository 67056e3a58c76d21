import type { FeatureMigration } from '@plinth/core'

/** Invitations. The runtime login reads them and nothing more; of the token only a hash is kept. */
export const invitationsMigration: FeatureMigration = {
  id: '0002_invitations',
  sql: `
create table plinth.invitations (
  tenant_id uuid not null,
  id uuid not null,
  owner_user_id uuid,
  owner_group_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version int not null default 1,
  email text not null,
  name text not null default '',
  roles jsonb not null default '[]',
  status text not null default 'pending',
  -- SHA-256 in hex of what stands in the link; none where there is no link any more.
  token_hash text,
  expires_at timestamptz not null,
  accepted_at timestamptz,
  user_id uuid,
  constraint invitations_pk primary key (tenant_id, id),
  constraint invitations_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade,
  constraint invitations_status_check check (status in ('pending', 'accepted', 'revoked'))
);
-- One open invitation for each address: asking again makes a new token and ends the old one.
create unique index invitations_open_key on plinth.invitations (tenant_id, lower(email)) where status = 'pending';
create index invitations_recent_idx on plinth.invitations (tenant_id, created_at desc, id desc);
create index invitations_token_idx on plinth.invitations (token_hash);
create index invitations_expires_idx on plinth.invitations (expires_at);
comment on table plinth.invitations is 'Who was asked into a tenant. Used once, by the one UPDATE that finds it pending.';

grant select on plinth.invitations to {app};
grant select, insert, update, delete on plinth.invitations to {system};
`,
}
