import type { FeatureMigration } from '@plinth/core'

/**
 * Domains that tenants say are theirs, and whose they are. Ownership stands in a table of its own, out of the reach of the runtime
 * login: it is unique over all tenants, which no table of tenants may be.
 */
export const domainsMigration: FeatureMigration = {
  id: '0005_domains',
  sql: `
create table plinth.domains (
  tenant_id uuid not null,
  id uuid not null,
  owner_user_id uuid,
  owner_group_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version int not null default 1,
  domain text not null,
  -- Public in the end: it stands in the DNS of the domain.
  token text not null default 'plinth-verification=' || replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
  auto_join boolean not null default false,
  verified_at timestamptz,
  constraint domains_pk primary key (tenant_id, id),
  constraint domains_domain_key unique (tenant_id, domain),
  constraint domains_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade
);
create index domains_recent_idx on plinth.domains (tenant_id, created_at desc, id desc);
comment on table plinth.domains is 'Domains that a tenant says are its own. Which are is in verified_domains.';
grant select, insert, delete on plinth.domains to {app};
grant update (auto_join, owner_group_id, updated_at, version) on plinth.domains to {app};
grant select, insert, update, delete on plinth.domains to {system};

create table plinth.verified_domains (
  domain text not null,
  tenant_id uuid not null,
  domain_id uuid not null,
  constraint verified_domains_pk primary key (domain),
  constraint verified_domains_domain_fk foreign key (tenant_id, domain_id) references plinth.domains (tenant_id, id) on delete cascade
);
create index verified_domains_domain_idx on plinth.verified_domains (tenant_id, domain_id);
comment on table plinth.verified_domains is 'Whose a domain is: one tenant at most, by the DNS.';
alter table plinth.verified_domains enable row level security, force row level security;
create policy plinth_tenant on plinth.verified_domains as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.verified_domains to {app} using (true) with check (true);
create policy plinth_system on plinth.verified_domains to {system} using (true) with check (true);
grant select, insert, update, delete on plinth.verified_domains to {system};
`,
}
