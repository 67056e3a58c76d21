import { getTableConfig } from 'drizzle-orm/pg-core'
import type { TestPlatform } from '@plinth/testing'

/**
 * Rows of tenant a in which something stands that no request may put there: another tenant's, an owner of choice, a version or
 * a time from outside, a hidden column with another value than its default, a row of a resource that takes none.
 */
export async function undeclaredRows(platform: TestPlatform): Promise<readonly string[]> {
  const { superuser, a, b, clock, plinth } = platform
  const seeded = await platform.twoTenants()
  const known = new Set([...seeded.a.values(), ...seeded.b.values()].flatMap((rows) => rows.map((row) => row.id)))
  const owners = new Set<unknown>([null, ...a.userIds])
  const words: string[] = []
  for (const resource of plinth.registry.resources) {
    const { schema = 'public', name } = getTableConfig(resource.drizzle)
    const table = `"${schema}"."${name}"`
    const columns = await superuser.query(
      'select column_name::text as name from information_schema.columns where table_schema = $1::text and table_name = $2::text order by 1',
      [schema, name],
    )
    const declared = resource.fields
      .map((field) => field.sqlName)
      .sort()
      .join()
    if (
      columns
        .map((column) => String(column['name']))
        .sort()
        .join() !== declared
    )
      words.push(`${table} has other columns than declared`)
    const rows = await superuser.query(`select *, created_at = $1::text::timestamptz as own_time from ${table}`, [
      clock.now().toISOString(),
    ])
    for (const row of rows) {
      const id = String(row['id'])
      const says = (text: string): void => void words.push(`${table} ${id}: ${text}`)
      if (row['tenant_id'] !== a.id && row['tenant_id'] !== b.id) says(`tenant ${String(row['tenant_id'])}`)
      if (row['tenant_id'] === b.id && !known.has(id)) says('a new row of tenant b')
      // Seeded rows have values of their own; what requests may have changed in them are the columns below.
      for (const column of ['internal_note', 'reviewed_by'])
        if (row[column] === 'written from outside') says(`${column} was written`)
      if (known.has(id)) continue
      if (!resource.operations.create) says('a new row of a resource that takes none')
      if (!owners.has(row['owner_user_id'])) says(`owner ${String(row['owner_user_id'])}`)
      if (row['owner_group_id'] !== null) says(`group ${String(row['owner_group_id'])}`)
      if (row['own_time'] !== true) says(`created at ${String(row['created_at'])}`)
      if (Number(row['version']) > 50) says(`version ${String(row['version'])}`)
      if ('internal_note' in row && row['internal_note'] !== 'none')
        says('a hidden column has another value than its default')
      if (
        'deleted_at' in row &&
        row['deleted_at'] !== null &&
        !String(row['deleted_at']).startsWith(clock.now().toISOString().slice(0, 10))
      )
        says(`deleted at ${String(row['deleted_at'])}`)
    }
  }
  const victims = await superuser.query(`select count(*)::int as rows from public.crates where tenant_id = $1::uuid`, [
    b.id,
  ])
  if (victims[0]?.['rows'] !== seeded.b.get('crate')?.length) words.push('tenant b has other rows than before')
  return words
}
