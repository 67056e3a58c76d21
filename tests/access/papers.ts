import { defineResource, resourceTable } from '@plinth/core'
import { integer, text } from 'drizzle-orm/pg-core'
import fc from 'fast-check'
import type { Row } from './oracle.ts'
import { row, ROWS, STATUSES } from './worlds.ts'

const papers = resourceTable('papers', {
  batch: text().notNull(),
  status: text({ enum: STATUSES }).notNull(),
  amount: integer(),
  label: text(),
  remark: text(),
})

export const paper = defineResource({
  table: papers,
  fields: { batch: { filter: true }, remark: { restricted: true } },
  actions: { archive: { run: (ctx, { id }) => ctx.update(papers, id, { label: 'archived' }) } },
})

/** Rows of every sort, the same for many worlds. */
export const fixedRows: readonly Row[] = fc.sample(row, { numRuns: ROWS, seed: 4 })

/** Inserts rows as a superuser. */
export async function insertRows(
  superuser: { query(text: string): Promise<unknown> },
  tenant: string,
  batch: string,
  rows: readonly (Row & { readonly id: string; readonly ownerId: string | null; readonly groupId: string | null })[],
): Promise<void> {
  const text = (value: string | number | null): string => (value === null ? 'null' : `'${value}'`)
  const values = rows.map(
    ({ id, ownerId, groupId, status, amount }) =>
      `('${tenant}', '${id}', ${text(ownerId)}, ${text(groupId)}, '${batch}', '${status}', ${amount ?? 'null'}, 'remark of ${id}')`,
  )
  await superuser.query(
    `insert into public.papers (tenant_id, id, owner_user_id, owner_group_id, batch, status, amount, remark) values ${values.join(', ')}`,
  )
}
