import { expect, test } from 'vitest'
import { Line } from './line.ts'
import type { Parcel } from './queue.ts'

const parcel = (tenantId: string, at: number, priority: number): Parcel => ({
  delivery: `${tenantId}${at}`,
  tenantId,
  id: `${tenantId}${at}`,
  priority,
})
const names = (line: Line, most: number): readonly string[] => line.take(most).map(({ delivery }) => delivery)

test('every tenant’s first one goes before anybody’s second, and among equals who came first', () => {
  const line = new Line()
  line.add([1, 2, 3, 4].map((at) => parcel('a', at, -at)))
  line.add([parcel('b', 1, -1), parcel('b', 2, -2)])
  expect(line.hasFirst).toBe(true)
  expect(names(line, 3)).toEqual(['a1', 'b1', 'a2'])
  expect(line.hasFirst).toBe(false)
  // Of the two that are on their way it was counted when they were chosen.
  line.add([parcel('c', 1, -1)])
  expect(names(line, 2)).toEqual(['c1', 'b2'])
  expect([line.length, line.tenants]).toEqual([2, 1])
  expect([line.has('a3'), line.has('c1')]).toEqual([true, false])
  line.add([parcel('a', 3, -1)])
  expect(line.parcels(9)).toEqual([parcel('a', 3, -3), parcel('a', 4, -4)])
  expect(line.parcels(1)).toEqual([parcel('a', 3, -3)])
  line.add([parcel('d', 1, -3)])
  line.remove([parcel('d', 1, -3), parcel('e', 1, -1)])
  expect([line.length, line.tenants, line.has('d1')]).toEqual([2, 1, false])
  expect(names(line, Infinity)).toEqual(['a3', 'a4'])
  expect([line.length, line.tenants, line.take(1)]).toEqual([0, 0, []])
})
