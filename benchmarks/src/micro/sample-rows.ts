import type { RawRow } from '@plinth/core'

/** A page of 20 rows as the driver hands them over. */
export const rawRows: readonly RawRow[] = Array.from({ length: 20 }, (_, index) => ({
  id: `01941f29-7c00-7aaa-8bbb-0123456789${(index + 10).toString(16)}`,
  ownerUserId: null,
  ownerGroupId: null,
  createdAt: `2026-11-20 20:54:${10 + index}.107+00`,
  updatedAt: `2026-11-20 20:54:${10 + index}.107+00`,
  version: 1 + index,
  name: `Project ${index}`,
  status: 'live',
  priority: index % 10,
  dueAt: index % 4 === 0 ? null : '2027-03-01 12:30:00+00',
  settings: '{"on": true, "tags": ["one", "two"], "colour": "blue", "retries": 3}',
  budget: '1234.50',
  contactEmail: index % 3 === 0 ? null : `person${index}@example.com`,
  notes: index % 2 === 0 ? null : 'Words about the project, as people write them into such a field.',
}))

/** The same rows as a driver that parses everything hands them over. */
export const parsedRows: readonly object[] = rawRows.map((row) => ({
  ...row,
  createdAt: new Date(`${String(row['createdAt']).replace(' ', 'T')}:00`),
  updatedAt: new Date(`${String(row['updatedAt']).replace(' ', 'T')}:00`),
  dueAt: row['dueAt'] === null ? null : new Date(`${String(row['dueAt']).replace(' ', 'T')}:00`),
  settings: JSON.parse(String(row['settings'])) as unknown,
}))
