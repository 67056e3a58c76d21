import type { Driver } from '@plinth/postgres/driver'
import type { TenantSnapshot } from '../tenants/tenant-tables.ts'

/** A table of the platform whose rows belong to people, or are the tenants themselves. */
interface PeopleTable {
  readonly sql: string
  /** The column that says whose a row is. */
  readonly column: string
  readonly of: 'user' | 'session' | 'tenant'
}

/** Whose rows are kept: of a tenant and of those who are in no other one. */
export interface People {
  readonly tenant: string
  readonly users: readonly string[]
  readonly sessions: readonly string[]
}

export interface PeopleRows {
  /** What is different from the beginning, in words. */
  readonly changed: (people: People) => Promise<readonly string[]>
  /** Puts everything back. True where there was something to put back. */
  readonly restore: () => Promise<boolean>
}

/** Anybody may ask for a link to be sent to an address that he knows, so these come and go. */
const open = new Set(['one_time_tokens'])

/** Keeps what is stored of people beyond all tenants: accounts, passwords, factors, refresh tokens, and the tenants' own rows. */
export async function keepPeople(superuser: Driver, all: readonly People[]): Promise<PeopleRows> {
  const tables = await peopleTables(superuser)
  const rowsOf = async (people: People): Promise<ReadonlyMap<string, readonly string[]>> => {
    const parts = tables.map(
      ({ sql, column, of }) =>
        `select '${sql}' as source, to_jsonb(t)::text as content from ${sql} t where t."${column}" = any ($${place[of]}::uuid[])`,
    )
    // All three stand in the text, for a platform without identity has no table of sessions.
    const none = `select '' as source, '' as content where coalesce($1::text, $2::text, $3::text) is null`
    const rows = await superuser.query(`${[none, ...parts].join(' union all ')} order by 1, 2`, parametersOf(people), {
      prepare: true,
    })
    const found = Map.groupBy(rows, (row) => String(row['source']))
    return new Map([...found].map(([sql, of]) => [sql, of.map((row) => String(row['content']))]))
  }
  const kept = new Map<People, ReadonlyMap<string, readonly string[]>>()
  for (const people of all) kept.set(people, await rowsOf(people))
  const differences = async (people: People): Promise<readonly { sql: string; words: string }[]> => {
    const now = await rowsOf(people)
    return tables.flatMap(({ sql }) => {
      const [before, after] = [kept.get(people)!.get(sql) ?? [], now.get(sql) ?? []]
      const gone = before.filter((row) => !after.includes(row)).map((row) => `gone or changed: ${row.slice(0, 300)}`)
      const made = after.filter((row) => !before.includes(row)).map((row) => `new or changed: ${row.slice(0, 300)}`)
      return [...gone, ...made].map((words) => ({ sql, words: `${sql}: ${words}` }))
    })
  }
  return {
    changed: async (people) => (await differences(people)).map(({ words }) => words),
    async restore() {
      let any = false
      for (const people of all) {
        const wrong = new Set((await differences(people)).map(({ sql }) => sql))
        if (wrong.size === 0) continue
        any = true
        await superuser.transaction(async (connection) => {
          // Without triggers, so that no row of another table goes along.
          await connection.query('set local session_replication_role = replica')
          for (const { sql, column, of } of tables) {
            if (!wrong.has(sql)) continue
            await connection.query(`delete from ${sql} where "${column}" = any ($1::uuid[])`, [
              parametersOf(people)[place[of] - 1]!,
            ])
            await connection.query(
              `insert into ${sql} overriding system value select * from jsonb_populate_recordset(null::${sql}, $1::text::jsonb)`,
              [`[${(kept.get(people)!.get(sql) ?? []).join(',')}]`],
            )
          }
        })
      }
      return any
    },
  }
}

const place = { user: 1, session: 2, tenant: 3 } as const

function parametersOf({ users, sessions, tenant }: People): string[] {
  return [users, sessions, [tenant]].map((ids) => `{${ids.join(',')}}`)
}

async function peopleTables(superuser: Driver): Promise<readonly PeopleTable[]> {
  const rows = await superuser.query(
    `select c.relname::text as name, array_agg(a.attname::text) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'plinth'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
     group by 1 having not bool_or(a.attname = 'tenant_id') order by 1`,
  )
  return rows.flatMap((row): PeopleTable[] => {
    const name = String(row['name'])
    const columns = String(row['columns'])
    const sql = `"plinth"."${name}"`
    if (open.has(name)) return []
    if (name === 'users') return [{ sql, column: 'id', of: 'user' }]
    if (name === 'tenants') return [{ sql, column: 'id', of: 'tenant' }]
    if (/\buser_id\b/.test(columns)) return [{ sql, column: 'user_id', of: 'user' }]
    return /\bsession_id\b/.test(columns) ? [{ sql, column: 'session_id', of: 'session' }] : []
  })
}

/** The members of a tenant, and the sessions in it. Of who is in both, only the sessions that work in this one. */
export function peopleOf(tenant: { readonly id: string }, rows: TenantSnapshot, others: TenantSnapshot): People {
  const idsIn = (snapshot: TenantSnapshot, table: string, column: string): string[] =>
    (snapshot.get(`"plinth"."${table}"`) ?? []).map((row) =>
      String((JSON.parse(row) as Record<string, unknown>)[column]),
    )
  const theirs = new Set(idsIn(others, 'memberships', 'user_id'))
  return {
    tenant: tenant.id,
    users: idsIn(rows, 'memberships', 'user_id').filter((id) => !theirs.has(id)),
    sessions: idsIn(rows, 'sessions', 'id'),
  }
}
