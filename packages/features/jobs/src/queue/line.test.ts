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

test('a look is told of what still says that it waits, and whoever it may find that is taken meanwhile is known', () => {
  const line = new Line()
  line.addUnmarked([1, 2, 3].map((at) => parcel('a', at, -at)))
  line.add([parcel('b', 1, -1), parcel('a', 2, -2)])
  const looked = (enough = 9) => line.look(enough).unmarked.map(({ delivery }) => delivery)
  const known = () => ['a1', 'a2', 'a3', 'a4'].filter((name) => line.knows(name))
  expect(looked()).toEqual(['a1', 'a2', 'a3'])
  expect([line.unmarked, line.length]).toEqual([3, 4])
  expect(line.look(3)).toEqual({ served: ['a'], unmarked: [] })
  const taken = line.take(2)
  expect(taken.map(({ delivery }) => delivery)).toEqual(['a1', 'b1'])
  // Again what was given to nobody.
  line.addUnmarked([parcel('a', 2, -1)])
  // However long the claim takes.
  expect([looked(), looked(), known()]).toEqual([
    ['a2', 'a3'],
    ['a2', 'a3'],
    ['a1', 'a2', 'a3'],
  ])
  line.claimed(taken)
  expect(known()).toEqual(['a1', 'a2', 'a3'])
  // Whoever looks from now on finds it running.
  expect([looked(), known()]).toEqual([
    ['a2', 'a3'],
    ['a2', 'a3'],
  ])
  line.putBack(line.take(1))
  // Whether it was claimed is found out by claiming it: it may be found once more, and is known.
  expect([looked(), known(), line.length]).toEqual([['a3'], ['a2', 'a3'], 2])
  line.take(1)
  expect(line.empty().map(({ delivery }) => delivery)).toEqual(['a3'])
  expect([looked(), known(), line.unmarked, line.length]).toEqual([[], [], 0, 0])
})
