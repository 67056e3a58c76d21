import { expect, test } from 'vitest'
import { requestIdOf, traceIdOf, traceparentOf } from './request-id.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = '00f067aa0ba902b7'

test('a well-formed traceparent is carried on, of a later version what this one knows', () => {
  const own = `00-${trace}-${parent}-01`
  expect(traceparentOf(own)).toBe(own)
  expect(traceparentOf(`cc-${trace}-${parent}-00`)).toBe(`00-${trace}-${parent}-00`)
  expect(traceparentOf(`cc-${trace}-${parent}-01-what-comes-later`)).toBe(own)
  expect(traceIdOf(own)).toBe(trace)
  expect(traceIdOf(undefined)).toBeUndefined()
})

test.each([
  ['nothing', undefined],
  ['an empty text', ''],
  ['more behind version 00', `00-${trace}-${parent}-01-more`],
  ['version ff', `ff-${trace}-${parent}-01`],
  ['no trace', `00-${'0'.repeat(32)}-${parent}-01`],
  ['no parent', `00-${trace}-${'0'.repeat(16)}-01`],
  ['upper case', `00-${trace.toUpperCase()}-${parent}-01`],
  ['something before it', ` 00-${trace}-${parent}-01`],
  ['two of them', `00-${trace}-${parent}-01, 00-${trace}-${parent}-01`],
  ['a later version without a dash', `cc-${trace}-${parent}-01more`],
  ['a line break', `00-${trace}-${parent}-01\n`],
  ['a book', `cc-${trace}-${parent}-01-${'x'.repeat(200)}`],
])('%s is no traceparent', (_what, given) => {
  expect(traceparentOf(given)).toBeUndefined()
})

test('a request id that does not belong into a log is replaced', () => {
  expect(requestIdOf('abcd-1234')).toBe('abcd-1234')
  expect(requestIdOf('short')).not.toBe('short')
  expect(requestIdOf('abcd-1234\nforged')).not.toContain('forged')
})
