import { createHash } from 'node:crypto'
import { text } from 'drizzle-orm/pg-core'
import { defineResource, resourceTable } from '@plinth/core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openPlatform, type Answered, type OpenPlatform } from './open-platform.ts'

const notes = resourceTable('notes', { text: text().notNull(), canary: text() })
let platform: OpenPlatform
let call: OpenPlatform['call']
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), [defineResource({ table: notes })])
  call = platform.call
})
afterAll(() => platform.close())

const post = (who: string, key: string, body: object): Promise<Answered> =>
  call(who, 'POST', '/api/v1/notes', body, { 'idempotency-key': key })

test('20 keys × 100 equal requests at once: one row each, every answer is it or "still running"', async () => {
  for (let round = 0; round < 20; round += 1) {
    const key = crypto.randomUUID()
    const answers = await Promise.all(Array.from({ length: 100 }, () => post('acme', key, { text: key })))
    expect(await platform.stored(`select count(*)::int as n from notes where text = '${key}'`)).toEqual([{ n: 1 }])
    const done = answers.filter((answer) => answer.status === 201)
    const busy = answers.filter((answer) => answer.status === 409)
    expect(done.length + busy.length).toBe(100)
    expect(new Set(done.map((answer) => answer.text)).size).toBe(1)
    expect(done.filter((answer) => !answer.headers.has('idempotency-replayed'))).toHaveLength(1)
    for (const answer of busy) expect(answer.headers.get('retry-after')).toBe('1')
  }
}, 60_000)

test('the same key for another request is 422; quotes around it mean nothing', async () => {
  expect((await post('acme', 'k-1', { text: 'a' })).status).toBe(201)
  expect((await post('acme', '"k-1"', { text: 'a' })).headers.get('idempotency-replayed')).toBe('true')
  expect((await post('acme', 'k-1', { text: 'b' })).json).toMatchObject({ status: 422, code: 'idempotency_key_reused' })
})

test('what is kept of a body tells nobody who guesses at it whether he is right', async () => {
  const body = { text: 'a secret of few letters' }
  expect((await post('acme', 'k-guessed', body)).status).toBe(201)
  const [kept] = await platform.stored(`select fingerprint from plinth.idempotency_keys where key = 'k-guessed'`)
  const guess = createHash('sha256').update('POST /api/v1/notes?\n').update(JSON.stringify(body)).digest('base64url')
  expect(kept!['fingerprint']).toMatch(/^[\w-]+\.[\w-]{22}$/)
  expect(kept!['fingerprint']).not.toContain(guess.slice(0, 16))
})

test('a key belongs to a tenant and a principal', async () => {
  const ids = await Promise.all(
    ['acme', 'other', 'beta'].map(async (who) => (await post(who, 'shared', { text: 'x' })).json['id']),
  )
  expect(new Set(ids).size).toBe(3)
})

test('an error keeps nothing: mended, the same key works', async () => {
  expect((await post('acme', 'k-2', { text: 1 })).status).toBe(400)
  expect((await post('acme', 'k-2', { text: 'mended' })).status).toBe(201)
})

test.each(['', ' ', 'a b', 'ä', 'x'.repeat(256)])('the key %j is refused', async (key) => {
  const headers = { 'idempotency-key': key }
  let answer: Answered
  try {
    answer = await call('acme', 'POST', '/api/v1/notes', { text: 'x' }, headers)
  } catch {
    return // fetch itself refuses the header
  }
  expect(answer.json).toMatchObject({ status: 400, code: 'invalid_idempotency_key' })
})

test('updates and deletes replay too, and what is kept is encrypted', async () => {
  const { json } = await post('acme', 'k-3', { text: 'x', canary: 'CANARY-stored-answer' })
  const path = `/api/v1/notes/${String(json['id'])}`
  const patch = (): Promise<Answered> => call('acme', 'PATCH', path, { text: 'y' }, { 'idempotency-key': 'k-4' })
  expect((await patch()).json['version']).toBe(2)
  const again = await patch()
  expect([again.json['version'], again.headers.get('idempotency-replayed')]).toEqual([2, 'true'])
  const remove = (): Promise<Answered> => call('acme', 'DELETE', path, undefined, { 'idempotency-key': 'k-5' })
  expect((await remove()).status).toBe(204)
  expect([(await remove()).status, (await remove()).headers.get('idempotency-replayed')]).toEqual([204, 'true'])
  expect(JSON.stringify(await platform.stored('select sealed from plinth.idempotency_keys'))).not.toContain('CANARY')
})
