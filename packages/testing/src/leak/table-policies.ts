import type { Connection } from '@plinth/postgres/driver'

export interface TablePolicy {
  readonly table: string
  readonly name: string
  readonly restrictive: boolean
  /** SQL that makes it again as it was. */
  readonly create: string
  readonly drop: string
}

/** The policies of a table as the live catalog has them. */
export async function tablePolicies(
  superuser: Connection,
  schema: string,
  name: string,
): Promise<readonly TablePolicy[]> {
  const rows = await superuser.query(
    `select policyname::text as name, permissive, array_to_string(roles, '", "') as roles, cmd, qual, with_check
     from pg_policies where schemaname = $1::name and tablename = $2::name order by 1`,
    [schema, name],
  )
  const table = `"${schema}"."${name}"`
  return rows.map((row) => {
    const roles = String(row['roles'])
    const create = [
      `create policy "${String(row['name'])}" on ${table} as ${String(row['permissive'])} for ${String(row['cmd'])}`,
      `to ${roles === 'public' ? 'public' : `"${roles}"`}`,
      ...(row['qual'] === null ? [] : [`using (${String(row['qual'])})`]),
      ...(row['with_check'] === null ? [] : [`with check (${String(row['with_check'])})`]),
    ]
    return {
      table,
      name: String(row['name']),
      restrictive: row['permissive'] === 'RESTRICTIVE',
      create: create.join(' '),
      drop: `drop policy "${String(row['name'])}" on ${table}`,
    }
  })
}
