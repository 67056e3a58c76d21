import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { headerRecord } from './header-record.ts'

/** As node:http makes it of two Authorization headers: the second is in the raw ones alone. */
const twice = (added: Readonly<Record<string, string>>): IncomingMessage =>
  ({
    headers: { host: 'a', authorization: 'Bearer one', ...added },
    rawHeaders: ['Host', 'a', 'Authorization', 'Bearer one', 'AUTHORIZATION', 'Bearer two'],
  }) as unknown as IncomingMessage

test.each([{}, { 'x-request-id': 'made-by-the-host' }, { 'x-one': '1', 'x-two': '2' }])(
  'a repeated credential is none, whatever headers the host adds: %j',
  (added) => {
    expect(headerRecord(twice(added), false)).toEqual({ host: 'a', authorization: 'Bearer one, Bearer two', ...added })
  },
)

test('what the host put in its place counts', () => {
  const record = headerRecord(twice({ authorization: 'Bearer of the host', 'x-one': '1' }), false)
  expect(record['authorization']).toBe('Bearer of the host')
})
