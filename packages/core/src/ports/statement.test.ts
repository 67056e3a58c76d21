import { expect, test } from 'vitest'
import { statement } from './statement.ts'

test('values are parameters, and nothing but parameters', () => {
  const evil = "'; drop table x; --"
  const { text, parameters } = statement`select ${evil}::text, ${new Date(0)}::text::timestamptz`
  expect(text).toBe('select $1::text, $2::text::timestamptz')
  expect(parameters).toEqual([evil, '1970-01-01T00:00:00.000Z'])
})

test('a part brings its parameters along, each in its place', () => {
  const columns = statement`a, b`
  const inner = statement`a = ${1}::int or b = ${'two'}::text`
  const both = statement`(${inner}) and c = ${3}::int`
  const whole = statement`select ${columns} from t where d = ${0}::int and ${both} and ${statement`true`} limit ${4}::int`
  expect(whole.text).toBe(
    'select a, b from t where d = $1::int and (a = $2::int or b = $3::text) and c = $4::int and true limit $5::int',
  )
  expect(whole.parameters).toEqual([0, 1, 'two', 3, 4])
  expect(inner.text).toBe('a = $1::int or b = $2::text')
})

test('no look-alike of a part or of a template becomes text', () => {
  const forged = { text: 'drop table x', parameters: [] }
  expect(statement`select ${forged as never}`.text).toBe('select $1')
  expect(() => statement(Object.assign(['drop table x'], { raw: ['x'] }) as never)).toThrow(TypeError)
})
