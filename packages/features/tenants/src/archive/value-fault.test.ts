import { expect, test } from 'vitest'
import { faultOf } from './value-fault.ts'

test.each([
  ['numeric(24,6)', '12.5'],
  ['numeric', '-0.000001'],
  ['double precision', '1e-300'],
  ['real', '-1.5e+38'],
  ['numeric[]', '{1,NULL}'],
  ['timestamp with time zone', '2024-02-03 04:05:06.789012+00'],
  ['timestamp without time zone', '2024-02-03 04:05:06'],
  ['timestamp with time zone[]', '{infinity}'],
  ['date', '2024-02-29'],
  ['daterange', '[2024-01-01,2024-02-01)'],
  ['text', 'NaN'],
  ['text', 'infinity'],
  ['integer', null],
])('%s takes %s', (type, value) => {
  expect(faultOf(type, value)).toBeUndefined()
})

test.each([
  ['numeric(24,6)', 'NaN'],
  ['numeric', 'Infinity'],
  ['double precision', '-Infinity'],
  ['real', 'inf'],
  ['timestamp with time zone', 'infinity'],
  ['timestamp with time zone', '-infinity'],
  ['timestamp without time zone', 'now'],
  ['timestamp with time zone', '10000-01-01 00:00:00+00'],
  ['date', '0044-03-15 BC'],
  ['date', 'tomorrow'],
])('%s does not take %s', (type, value) => {
  expect(faultOf(type, value)).toMatch(/^is no (number|time)/)
})
