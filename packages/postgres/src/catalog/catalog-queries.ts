/*
 * Each query gives one JSON text per row. Names are printed in full, because the reader sets `search_path = pg_catalog`: what
 * PostgreSQL prints for an expression would otherwise depend on who asks.
 */

const userSchemas = String.raw`n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`

/** Who but the owner may do what. */
const grants = (acl: string, kind: string, owner: string): string => `(
  select coalesce(json_agg(json_build_object('grantee', g.grantee, 'privileges', g.privileges) order by g.grantee), '[]')
  from (
    select case when x.grantee = 0 then 'public' else pg_get_userbyid(x.grantee)::text end as grantee,
           array_agg(distinct x.privilege_type::text order by x.privilege_type::text) as privileges
    from aclexplode(coalesce(${acl}, acldefault('${kind}', ${owner}))) x where x.grantee <> ${owner} group by 1
  ) g)`

const columns = `(
  select coalesce(json_agg(json_build_object(
    'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull,
    'default', pg_get_expr(d.adbin, d.adrelid), 'identity', a.attidentity, 'generated', a.attgenerated) order by a.attnum), '[]')
  from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`

const indexes = `(
  select coalesce(json_agg(json_build_object(
    'name', ic.relname, 'unique', i.indisunique, 'primary', i.indisprimary, 'valid', i.indisvalid,
    'columns', (select json_agg(a.attname order by k.at) from unnest(i.indkey::int2[]) with ordinality k(number, at)
                left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number and k.number > 0
                where k.at <= i.indnkeyatts),
    'definition', pg_get_indexdef(i.indexrelid)) order by ic.relname), '[]')
  from pg_index i join pg_class ic on ic.oid = i.indexrelid where i.indrelid = c.oid)`

const namesOf = (numbers: string, table: string): string => `(
  select coalesce(json_agg(a.attname order by u.at), '[]') from unnest(${numbers}) with ordinality u(number, at)
  join pg_attribute a on a.attrelid = ${table} and a.attnum = u.number)`

const action = (column: string): string =>
  `case ${column} when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null' when 'd' then 'set default' end`

// NOT NULL constraints (contype n, since PostgreSQL 18) are the columns' notNull, as they always were.
const constraints = `(
  select coalesce(json_agg(json_build_object(
    'name', k.conname,
    'kind', case k.contype when 'p' then 'primary' when 'u' then 'unique' when 'f' then 'foreign' when 'c' then 'check' else 'exclusion' end,
    'columns', ${namesOf('k.conkey', 'k.conrelid')},
    'foreignSchema', fn.nspname, 'foreignTable', fc.relname, 'foreignColumns', ${namesOf('k.confkey', 'k.confrelid')},
    'onDelete', ${action('k.confdeltype')}, 'onUpdate', ${action('k.confupdtype')},
    'definition', pg_get_constraintdef(k.oid)) order by k.conname), '[]')
  from pg_constraint k left join pg_class fc on fc.oid = k.confrelid left join pg_namespace fn on fn.oid = fc.relnamespace
  where k.conrelid = c.oid and k.contype in ('p', 'u', 'f', 'c', 'x'))`

const policies = `(
  select coalesce(json_agg(json_build_object(
    'name', p.polname, 'permissive', p.polpermissive,
    'command', case p.polcmd when '*' then 'all' when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' else 'delete' end,
    'roles', (select json_agg(r.name order by r.name) from (
      select case when o.role = 0 then 'public' else pg_get_userbyid(o.role)::text end as name from unnest(p.polroles) o(role)) r),
    'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid)) order by p.polname), '[]')
  from pg_policy p where p.polrelid = c.oid)`

const columnGrants = `(
  select coalesce(json_agg(json_build_object(
    'grantee', case when x.grantee = 0 then 'public' else pg_get_userbyid(x.grantee)::text end,
    'column', a.attname, 'privilege', x.privilege_type) order by a.attnum, x.grantee, x.privilege_type), '[]')
  from pg_attribute a cross join aclexplode(a.attacl) x
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attacl is not null)`

const tables = (where: string): string => `select json_build_object(
      'schema', n.nspname, 'name', c.relname, 'owner', pg_get_userbyid(c.relowner),
      'kind', case c.relkind when 'p' then 'partitioned' when 'f' then 'foreign' else 'table' end,
      'comment', obj_description(c.oid, 'pg_class'), 'rowSecurity', c.relrowsecurity, 'forced', c.relforcerowsecurity,
      'written', pg_relation_size(c.oid) > 0, 'columns', ${columns}, 'indexes', ${indexes}, 'constraints', ${constraints},
      'policies', ${policies}, 'grants', ${grants('c.relacl', 'r', 'c.relowner')}, 'columnGrants', ${columnGrants})::text as data
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${where} order by n.nspname, c.relname`

export const catalogQueries = {
  tables: tables(`c.relkind in ('r', 'p', 'f') and ${userSchemas}`),

  /**
   * Those that concern Plinth: its own, those named in $1 (an array of `schema.name`), and every one with a tenant column. In a
   * host's database with 3,000 tables of its own the start took 2.3 s with all of them and 0.5 s with these. Schemas whose name
   * matches $2 are left out.
   */
  tenantTables: tables(`c.relkind in ('r', 'p', 'f') and ${userSchemas} and n.nspname !~ $2::text and (
    n.nspname = 'plinth' or n.nspname || '.' || c.relname = any($1::text[])
    or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))`),

  /** All of the schema $1. */
  schemaTables: tables(`c.relkind in ('r', 'p', 'f') and n.nspname = $1::text`),

  /** One table of any schema, by its quoted name as $1. */
  table: tables('c.oid = $1::text::regclass'),

  views: `select json_build_object(
      'schema', n.nspname, 'name', c.relname, 'owner', pg_get_userbyid(c.relowner), 'materialized', c.relkind = 'm',
      'securityInvoker', coalesce((select o.option_value::bool from pg_options_to_table(c.reloptions) o
                                   where o.option_name = 'security_invoker'), false),
      'reads', (select coalesce(json_agg(json_build_object('schema', t.schema, 'name', t.name) order by t.schema, t.name), '[]') from (
        select distinct tn.nspname::text as schema, tc.relname::text as name from pg_rewrite w
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
        join pg_class tc on tc.oid = d.refobjid join pg_namespace tn on tn.oid = tc.relnamespace
        where w.ev_class = c.oid and tc.oid <> c.oid) t),
      'grants', ${grants('c.relacl', 'r', 'c.relowner')})::text as data
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('v', 'm') and ${userSchemas} order by n.nspname, c.relname`,

  functions: `select json_build_object(
      'schema', n.nspname, 'name', p.proname, 'arguments', pg_get_function_identity_arguments(p.oid),
      'returns', pg_get_function_result(p.oid), 'language', l.lanname,
      'volatility', case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
      'securityDefiner', p.prosecdef, 'settings', coalesce(to_json(p.proconfig), '[]'), 'owner', pg_get_userbyid(p.proowner),
      'extension', exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'),
      'source', case when n.nspname = 'plinth' then p.prosrc end,
      'grants', ${grants('p.proacl', 'f', 'p.proowner')})::text as data
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
    where (p.prosecdef or n.nspname = 'plinth') and ${userSchemas}
    order by n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)`,

  enums: `select json_build_object('schema', n.nspname, 'name', t.typname,
      'values', (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid))::text as data
    from pg_type t join pg_namespace n on n.oid = t.typnamespace
    where t.typtype = 'e' and ${userSchemas} order by n.nspname, t.typname`,

  schemas: `select json_build_object('name', n.nspname, 'owner', pg_get_userbyid(n.nspowner),
      'grants', ${grants('n.nspacl', 'n', 'n.nspowner')})::text as data
    from pg_namespace n where ${userSchemas} order by n.nspname`,

  roles: String.raw`select json_build_object('name', r.rolname, 'canLogin', r.rolcanlogin, 'superuser', r.rolsuper,
      'bypassRls', r.rolbypassrls, 'createRole', r.rolcreaterole, 'createDb', r.rolcreatedb, 'replication', r.rolreplication,
      'memberOf', (select coalesce(json_agg(distinct g.rolname), '[]') from pg_auth_members m join pg_roles g on g.oid = m.roleid
                   where m.member = r.oid))::text as data
    from pg_roles r where r.rolname !~ '^pg_' order by r.rolname`,

  presets: `select json_build_object('role', r.rolname, 'database', d.datname, 'setting', s.setting)::text as data
    from pg_db_role_setting p cross join unnest(p.setconfig) s(setting)
    left join pg_roles r on r.oid = p.setrole left join pg_database d on d.oid = p.setdatabase
    where p.setdatabase = 0 or d.datname = current_database() order by s.setting, 1`,

  session: `select json_build_object('currentUser', current_user, 'sessionUser', session_user,
      'databaseOwner', (select pg_get_userbyid(d.datdba) from pg_database d where d.datname = current_database()),
      'tenant', nullif(current_setting('plinth.tenant', true), ''))::text as data`,
} as const
