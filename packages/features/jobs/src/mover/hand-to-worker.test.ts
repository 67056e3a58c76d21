import { expect, test } from 'vitest'
import { parted } from './hand-to-worker.ts'

const parcel = (name: string, priority: number) => ({ delivery: name, tenantId: name[0]!, id: name, priority })
const parcels = [parcel('a6', -6), parcel('b1', -1), parcel('a7', -7), parcel('c1', -1), parcel('b2', -2)]
const now = (some: number, first: number, line: { readonly length: number; readonly hasFirst: boolean }) => {
  const { now, later } = parted(parcels, { room: { some, first } }, line)
  expect(now.length + later.length).toBe(parcels.length)
  return now.map(({ delivery }) => delivery)
}
const empty = { length: 0, hasFirst: false }

test('as many as there are places, in turn', () => {
  expect(now(3, 5, empty)).toEqual(['b1', 'c1', 'b2'])
  expect(now(10, 10, empty)).toEqual(['b1', 'c1', 'b2', 'a6', 'a7'])
})

test('where there is no place, first jobs alone, and no more than those have', () => {
  expect(now(0, 5, empty)).toEqual(['b1', 'c1'])
  expect(now(0, 1, empty)).toEqual(['b1'])
  expect(now(0, 0, empty)).toEqual([])
})

test('nobody before who waits in line: first jobs pass those that are not', () => {
  expect(now(5, 5, { length: 9, hasFirst: false })).toEqual(['b1', 'c1'])
  expect(now(5, 5, { length: 9, hasFirst: true })).toEqual([])
})
