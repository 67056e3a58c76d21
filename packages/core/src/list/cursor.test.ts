import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import type { SortKey } from '../ports/database.ts'
import type { Secrets } from '../ports/secrets.ts'
import { makeCursor, readCursor } from './cursor.ts'

const secrets: Secrets = {
  sign: (purpose, text) => createHmac('sha256', 'test').update(`${purpose}|${text}`).digest('base64url'),
  verify: (purpose, text, signature) => secrets.sign(purpose, text) === signature,
  seal: (text) => text,
  open: (text) => text,
}
const sort = [{ field: { key: 'createdAt' } }, { field: { key: 'rank' } }] as unknown as readonly SortKey[]
const row = { createdAt: '2026-11-20 20:54:57.107123+00', rank: null }

test('a cursor keeps the microseconds and the NULLs', () => {
  const cursor = makeCursor(secrets, 'a', sort, row)
  expect(readCursor(secrets, 'a', cursor)).toEqual(['2026-11-20 20:54:57.107123+00', null])
})

test('bound to something else, or with any character changed, it is refused', () => {
  const cursor = makeCursor(secrets, 'a', sort, row)
  const refused = expect.objectContaining({ code: 'invalid_cursor', status: 400 })
  expect(() => readCursor(secrets, 'b', cursor)).toThrow(refused)
  for (let at = 0; at < cursor.length; at += 1) {
    const other = cursor[at] === 'x' ? 'y' : 'x'
    expect(() => readCursor(secrets, 'a', cursor.slice(0, at) + other + cursor.slice(at + 1))).toThrow(refused)
  }
  for (const text of ['', '~', 'x', `${cursor}~x`]) expect(() => readCursor(secrets, 'a', text)).toThrow(refused)
})
