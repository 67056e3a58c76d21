import { expect, test } from 'vitest'
import { ShapeCache } from './shape-cache.ts'
import type { Shape } from './statement.ts'

const printed = (text: string, shape: Shape) => ({ text, parameters: [], shape })

test('a fixed text is prepared at once, a varied one when it comes again', () => {
  const cache = new ShapeCache()
  expect(cache.admit(printed('read', 'fixed'))).toBe(true)
  expect(cache.admit(printed('list by name', 'varied'))).toBe(false)
  expect(cache.admit(printed('list by name', 'varied'))).toBe(true)
  expect(cache.admit(printed('list by name', 'varied'))).toBe(true)
})

test('10,000 filters of a stranger prepare at most 192 texts, and leave room for the fixed ones', () => {
  const cache = new ShapeCache()
  for (let round = 0; round < 3; round += 1) {
    for (let at = 0; at < 10_000; at += 1) {
      cache.admit(printed(`list ${at}`, 'varied'))
      cache.admit(printed(`list ${at}`, 'varied'))
    }
  }
  expect(cache.size).toBe(192)
  for (let at = 0; at < 1_000; at += 1) cache.admit(printed(`read ${at}`, 'fixed'))
  expect(cache.size).toBe(256)
  expect(cache.admit(printed('read 0', 'fixed'))).toBe(true)
  expect(cache.admit(printed('one more', 'fixed'))).toBe(false)
})

test('each resource makes room for its own texts', () => {
  const cache = new ShapeCache(200)
  for (let at = 0; at < 200; at += 1) {
    cache.admit(printed(`read ${at}`, 'fixed'))
    for (const operation of ['list', 'create', 'list', 'create']) cache.admit(printed(`${operation} ${at}`, 'varied'))
  }
  expect(cache.size).toBe(600)
})

test('after half an hour all are forgotten, as connections forget them', () => {
  let now = 0
  const cache = new ShapeCache(0, () => now)
  for (let at = 0; at < 300; at += 1) cache.admit(printed(`read ${at}`, 'fixed'))
  expect(cache.admit(printed('late', 'fixed'))).toBe(false)
  now = 30 * 60_000 + 1
  expect(cache.admit(printed('late', 'fixed'))).toBe(true)
  expect(cache.size).toBe(1)
})
