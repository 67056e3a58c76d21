import { expect, test } from 'vitest'
import { newUuid } from './new-uuid.ts'

test('ids are of version 7, differ, and sort by when they were made, also beyond what random numbers are kept', () => {
  const ids = Array.from({ length: 2_000 }, newUuid)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(ids.map((id) => id.slice(24))).size).toBe(2_000)
  expect(ids.toSorted()).toEqual(ids)
})
