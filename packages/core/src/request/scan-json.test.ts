import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJsonBody } from './scan-json.ts'

const parse = (text: string, depth = 32): unknown => parseJsonBody(Buffer.from(text), depth)

test('what JSON.stringify writes is read back', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value)
      if (text.includes('\\u')) return // NUL and lone surrogates have their own test
      expect(parse(text)).toEqual(JSON.parse(text))
    }),
  )
})

test.each([
  ['a duplicate key', '{"a":1,"a":2}'],
  ['a duplicate key behind an escape', '{"a":1,"\\u0061":2}'],
  ['a nested duplicate key', '{"x":[{"b":1, "b" : 2}]}'],
  ['a NUL', '{"a":"\\u0000"}'],
  ['a NUL in a key', '{"\\u0000":1}'],
  ['a lone surrogate', '{"a":"\\ud800"}'],
  ['no JSON', '{"a":1'],
  ['a trailing comma', '[1,]'],
  ['nothing', ''],
])('%s is refused', (_name, text) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'malformed_json' }))
})

test('invalid UTF-8 is refused', () => {
  expect(() => parseJsonBody(Uint8Array.from([0x22, 0xff, 0x22]), 32)).toThrow(
    expect.objectContaining({ code: 'malformed_json' }),
  )
})

test('a body is as deep as the limit, and no deeper', () => {
  expect(parse('[[[1]]]', 3)).toEqual([[[1]]])
  expect(() => parse('[[[[1]]]]', 3)).toThrow(expect.objectContaining({ code: 'body_too_deep' }))
  expect(() => parse('['.repeat(200_000) + ']'.repeat(200_000))).toThrow(
    expect.objectContaining({ code: 'body_too_deep' }),
  )
})

test('brackets and colons inside strings are text, and equal keys in different objects are fine', () => {
  expect(parse('{"a":"[{\\"a\\":","b":{"a":1},"c":[{"a":2},{"a":3}]}')).toEqual({
    a: '[{"a":',
    b: { a: 1 },
    c: [{ a: 2 }, { a: 3 }],
  })
})

test('__proto__ is a key like any other', () => {
  const value = parse('{"__proto__":{"admin":true}}') as Record<string, unknown>
  expect(Object.hasOwn(value, '__proto__')).toBe(true)
  expect(({} as Record<string, unknown>).admin).toBeUndefined()
})
