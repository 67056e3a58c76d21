-- For `isolation: 'schema'`: the owner makes a schema for each tenant, and FORCE hides the list of tenants from him.

set local role {owner};

create policy plinth_owner on plinth.tenants for select to {owner} using (true);
