import { defineResource, resourceTable } from '@plinth/core'
import { boolean, integer, jsonb, numeric, text, timestamp } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openPlatform, type OpenPlatform } from './open-platform.ts'

const seals = resourceTable('seals', {
  name: text(),
  at: timestamp({ withTimezone: true }),
  facts: jsonb(),
  size: integer(),
  price: numeric({ precision: 9, scale: 2 }),
  open: boolean(),
})
const fixed = { immutable: true } as const
const seal = defineResource({
  table: seals,
  fields: { at: fixed, facts: fixed, size: fixed, price: fixed, open: fixed },
})

let platform: OpenPlatform
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), [seal])
})
afterAll(() => platform.close())

const call = (method: string, path: string, body?: unknown) =>
  platform.call('acme', method, `/api/v1/seals${path}`, body)

test.each([
  {
    at: '2026-01-01T12:00:00.500Z',
    facts: { zebra: [1, { b: 2, a: null }], ant: 'x' },
    size: 3,
    price: '1.50',
    open: true,
  },
  { at: '2026-01-01T12:00:00Z', facts: 'a text', size: 0, price: '0.00', open: false },
  { at: '2026-01-01T12:00:00.123456Z', facts: '{"not":"parsed"}', size: null, price: null, open: null },
])('what GET gave of immutable fields, and what was sent, can be PUT: %j', async (values) => {
  const { json: made } = await call('POST', '', values)
  const path = `/${String(made['id'])}`
  const { json: read } = await call('GET', path)
  expect((await call('PUT', path, { ...read, name: 'one' })).json).toMatchObject({ name: 'one', version: 2 })
  expect((await call('PUT', path, { ...values, name: 'two' })).json).toMatchObject({ name: 'two', version: 3 })
})

test('another instant, a microsecond away, another member or another number is a change', async () => {
  const { json } = await call('POST', '', {
    at: '2026-01-01T12:00:00.123456Z',
    facts: { a: 1 },
    size: 3,
    price: '1.50',
  })
  const others = [
    { at: '2026-01-01T12:00:00.123457Z' },
    { at: '2026-01-01T12:00:00.123456+01:00' },
    { facts: { a: 1, b: 2 } },
    { facts: { a: '1' } },
    { size: 4 },
    { price: '1.51' },
    { at: null },
    { open: false },
  ]
  for (const other of others) {
    const answer = await call('PATCH', `/${String(json['id'])}`, other)
    expect([answer.status, answer.json.errors?.[0]?.code], JSON.stringify(other)).toEqual([400, 'immutable'])
  }
})
