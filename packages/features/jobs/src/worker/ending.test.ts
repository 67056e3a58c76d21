import { expect, test } from 'vitest'
import { Ending, unlessEnded } from './ending.ts'

const reason = new Error('cancelled')
const never = (): Promise<never> => new Promise(() => undefined)

test('ends work that goes on, and work that has not begun does not begin', async () => {
  const ending = new Ending()
  const working = unlessEnded(ending, never)
  ending.end(reason)
  await expect(working).rejects.toBe(reason)
  let begun = false
  await expect(unlessEnded(ending, () => void (begun = true))).rejects.toBe(reason)
  expect([begun, ending.ended]).toEqual([false, true])
  expect(() => ending.throwIfEnded()).toThrow(reason)
})

test('what comes to its end is what it comes to, and a later end is nobody’s', async () => {
  const ending = new Ending()
  expect(await unlessEnded(ending, () => 'at once')).toBe('at once')
  expect(await unlessEnded(ending, () => Promise.resolve('later'))).toBe('later')
  await expect(unlessEnded(ending, () => Promise.reject(new Error('own')))).rejects.toThrow('own')
  ending.end(reason)
})

test('the first reason counts', async () => {
  const ending = new Ending()
  const working = unlessEnded(ending, never)
  ending.end(reason)
  ending.end(new Error('late'))
  await expect(working).rejects.toBe(reason)
  expect(ending.signal.reason).toBe(reason)
})

test('a signal is told, whether it was asked for before or after', () => {
  const [before, after] = [new Ending(), new Ending()]
  const { signal } = before
  expect([signal.aborted, before.signal === signal]).toEqual([false, true])
  before.end(reason)
  expect([signal.aborted, signal.reason]).toEqual([true, reason])
  after.end(reason)
  expect([after.signal.aborted, after.signal.reason]).toEqual([true, reason])
})

test('whoever took his call away is not told', () => {
  const ending = new Ending()
  const told: unknown[] = []
  const forget = ending.onEnd((why) => told.push(why))
  ending.onEnd((why) => told.push(why))
  forget()
  ending.end(reason)
  ending.onEnd((why) => told.push(why))
  expect(told).toEqual([reason, reason])
})
