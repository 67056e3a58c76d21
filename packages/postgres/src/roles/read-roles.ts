import type { Connection, RawRow } from '../drivers/driver.ts'
import { arrayLiteral } from '../statements/quote.ts'

export interface RoleState {
  readonly name: string
  readonly canLogin: boolean
  readonly superuser: boolean
  readonly bypassRls: boolean
  readonly createRole: boolean
  readonly createDb: boolean
  readonly replication: boolean
  readonly memberOf: readonly string[]
  /** What is stored for the password; undefined where we may not read it. */
  readonly verifier: string | null | undefined
}

export interface MigratingLogin {
  readonly name: string
  readonly superuser: boolean
  /** 150018, 180004. */
  readonly serverVersion: number
  readonly database: string
}

export async function readLogin(connection: Connection): Promise<MigratingLogin> {
  const [row] = await connection.query(
    `select session_user::text as name, r.rolsuper as superuser, current_setting('server_version_num')::int4 as version,
            current_database()::text as database
     from pg_roles r where r.rolname = session_user`,
  )
  return {
    name: String(row?.['name']),
    superuser: row?.['superuser'] === true,
    serverVersion: Number(row?.['version']),
    database: String(row?.['database']),
  }
}

/** The roles of these names that exist, by name. */
export async function readRoles(
  connection: Connection,
  names: readonly string[],
): Promise<ReadonlyMap<string, RoleState>> {
  const wanted = [arrayLiteral(names)] as const
  const rows = await connection.query(
    `select r.rolname::text as name, r.rolcanlogin as can_login, r.rolsuper as superuser, r.rolbypassrls as bypass_rls,
            r.rolcreaterole as create_role, r.rolcreatedb as create_db, r.rolreplication as replication,
            array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid
                  where m.member = r.oid order by 1) as member_of
     from pg_roles r where r.rolname = any($1::text[])`,
    wanted,
  )
  const verifiers = await readVerifiers(connection, wanted)
  return new Map(rows.map((row) => [String(row['name']), stateOf(row, verifiers)]))
}

async function readVerifiers(
  connection: Connection,
  wanted: readonly [string],
): Promise<ReadonlyMap<string, string | null> | undefined> {
  // Superusers only. Asked first: an error would end the transaction.
  const [allowed] = await connection.query(`select has_table_privilege('pg_catalog.pg_authid', 'select') as yes`)
  if (allowed?.['yes'] !== true) return undefined
  const rows = await connection.query(
    'select rolname::text as name, rolpassword as verifier from pg_authid where rolname = any($1::text[])',
    wanted,
  )
  return new Map(rows.map((row) => [String(row['name']), row['verifier'] as string | null]))
}

function stateOf(row: RawRow, verifiers: ReadonlyMap<string, string | null> | undefined): RoleState {
  const name = String(row['name'])
  return {
    name,
    canLogin: row['can_login'] === true,
    superuser: row['superuser'] === true,
    bypassRls: row['bypass_rls'] === true,
    createRole: row['create_role'] === true,
    createDb: row['create_db'] === true,
    replication: row['replication'] === true,
    memberOf: row['member_of'] as readonly string[],
    verifier: verifiers ? (verifiers.get(name) ?? null) : undefined,
  }
}
