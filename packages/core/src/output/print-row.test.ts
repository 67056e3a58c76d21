import fc from 'fast-check'
import { bigint, boolean, doublePrecision, integer, jsonb, numeric, text, timestamp } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import { quoteJson } from '../columns/quote-json.ts'
import type { RawRow } from '../ports/database.ts'
import { defineResource } from '../resource/define-resource.ts'
import { describeResource } from '../resource/describe-resource.ts'
import { resourceTable } from '../table/resource-table.ts'
import { openView } from '../fields/field-view.ts'
import { decodeRow, rowPrinter } from './print-row.ts'

const things = resourceTable('things', {
  name: text(),
  secret: text(),
  inner: text(),
  count: integer(),
  ratio: doublePrecision(),
  open: boolean(),
  at: timestamp({ withTimezone: true }),
  price: numeric(),
  small: bigint({ mode: 'number' }),
  big: bigint({ mode: 'bigint' }),
  data: jsonb(),
})
const thing = describeResource(
  defineResource({ table: things, fields: { secret: { secret: true }, inner: { hidden: true } } }),
  'product',
  [],
)!
const raw: RawRow = {
  tenantId: 't',
  id: '01',
  ownerUserId: null,
  ownerGroupId: null,
  createdAt: '2026-11-20 20:54:57.107123+00',
  updatedAt: '2026-11-20 20:54:57+00',
  version: 3,
  name: 'a "b"\n',
  secret: 'CANARY',
  inner: 'CANARY',
  count: 5,
  ratio: 0.5,
  open: true,
  at: null,
  price: '12.50',
  small: '9007199254740991',
  big: '9223372036854775807',
  data: '{"a": [1, null]}',
}

test('a raw row is printed as the JSON of its visible fields', () => {
  const printed = rowPrinter(thing).print(raw)
  expect(printed).not.toContain('CANARY')
  expect(JSON.parse(printed)).toEqual({
    id: '01',
    ownerUserId: null,
    ownerGroupId: null,
    createdAt: '2026-11-20T20:54:57.107123Z',
    updatedAt: '2026-11-20T20:54:57Z',
    version: 3,
    name: 'a "b"\n',
    count: 5,
    ratio: 0.5,
    open: true,
    at: null,
    price: '12.50',
    small: 9_007_199_254_740_991,
    big: '9223372036854775807',
    data: { a: [1, null] },
  })
})

test('a mask chooses among visible fields and changes the tag, a version changes it too', () => {
  const whole = rowPrinter(thing)
  const part = rowPrinter(thing, openView(thing), ['name', 'secret'])
  expect(JSON.parse(part.print(raw))).toEqual({ name: 'a "b"\n' })
  expect(whole.etag(raw)).toMatch(/^"3-[0-9a-f]{6}"$/)
  expect(part.etag(raw)).not.toBe(whole.etag(raw))
  expect(whole.etag({ ...raw, version: 4 })).not.toBe(whole.etag(raw))
})

test('code sees Dates, bigints and parsed json, hidden fields too', () => {
  expect(decodeRow(thing, raw)).toMatchObject({
    createdAt: new Date('2026-11-20T20:54:57.107Z'),
    big: 9_223_372_036_854_775_807n,
    small: 9_007_199_254_740_991,
    data: { a: [1, null] },
    inner: 'CANARY',
  })
})

test('quoting is what JSON.stringify does', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (value) => {
      expect(quoteJson(value)).toBe(JSON.stringify(value))
    }),
  )
})
