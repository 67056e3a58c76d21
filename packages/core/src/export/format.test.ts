import { expect, test } from 'vitest'
import type { InputFault } from '../errors/plinth-error.ts'
import { exportFormat } from './format.ts'

test.each([
  [undefined, undefined],
  ['*/*', undefined],
  ['application/json', undefined],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', undefined],
  ['text/*', undefined],
  ['text/csv', 'csv'],
  ['Text/CSV; charset=utf-8', 'csv'],
  ['application/x-ndjson', 'ndjson'],
  ['text/csv, */*;q=0.1', 'csv'],
  ['application/json, text/csv', undefined],
  ['application/json;q=0.5, text/csv', 'csv'],
  ['text/csv;q=0.5, application/x-ndjson', 'ndjson'],
  ['text/csv;q=0', undefined],
  ['text/csv;q=2', undefined],
  ['text/csvx', undefined],
])('Accept: %s is %s', (accept, format) => {
  expect(exportFormat(accept, undefined, [])).toBe(format)
})

test('format= beats Accept, and another word is a fault', () => {
  const faults: InputFault[] = []
  expect(exportFormat('text/csv', 'json', faults)).toBeUndefined()
  expect(exportFormat('application/json', 'ndjson', faults)).toBe('ndjson')
  expect(faults).toEqual([])
  expect(exportFormat(undefined, 'xlsx', faults)).toBeUndefined()
  expect(faults.map((fault) => fault.message)).toEqual(['Expected one of: json, csv, ndjson'])
})
