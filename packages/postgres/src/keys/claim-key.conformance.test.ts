import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { IdempotencyKey, KeyClaim } from '@plinth/core'
import { attach, openPGlite, openServer, scopeOf, type Attached, type Opened } from '../../tests/fixture.ts'

const subjects = [
  { name: 'PostgreSQL', open: () => openServer(inject('postgresUrl')) },
  { name: 'PGlite', open: () => openPGlite() },
]

const tenantA = '0190a000-0000-7000-8000-00000000000a'
const tenantB = '0190a000-0000-7000-8000-00000000000b'
const HOUR = 3_600_000
const keyOf = (key: string, fingerprint = 'f'): IdempotencyKey => ({
  key,
  fingerprint,
  matches: (kept) => kept === fingerprint,
})

describe.each(subjects)('idempotency keys on $name', ({ open }) => {
  let opened: Opened
  let attached: Attached
  const a = scopeOf(tenantA)
  const inAnHour = new Date(a.now.getTime() + HOUR)

  beforeAll(async () => {
    opened = await open()
    attached = attach(opened.drivers)
  })
  afterAll(() => opened.close())

  const claim = (key: IdempotencyKey, scope = a): Promise<KeyClaim> =>
    attached.database.transaction(scope, (transaction) => transaction.claimKey(key))
  const keep = (key: IdempotencyKey, sealed: string, scope = a): Promise<KeyClaim> =>
    attached.database.transaction(scope, async (transaction) => {
      const claimed = await transaction.claimKey(key)
      if (claimed.found === 'nothing') await transaction.keepAnswer(key, sealed, inAnHour)
      return claimed
    })

  test('nothing, then the answer; another request under the key is told apart', async () => {
    const key = keyOf('k-1')
    expect(await claim(key)).toEqual({ found: 'nothing' })
    // Claimed and not kept: the transaction ended, and the key is free again.
    expect(await keep(key, 'sealed answer')).toEqual({ found: 'nothing' })
    expect(await claim(key)).toEqual({ found: 'answer', sealed: 'sealed answer' })
    expect(await claim(keyOf(key.key, 'another'))).toEqual({ found: 'other' })
  })

  test('belongs to tenant and principal: nobody else is answered from it', async () => {
    const key = keyOf('shared')
    await keep(key, 'of a')
    expect(await claim(key, scopeOf(tenantB))).toEqual({ found: 'nothing' })
    expect(await claim(key, scopeOf(tenantA, { actor: { kind: 'user', id: 'bob' } }))).toEqual({ found: 'nothing' })
    expect(await claim(key, scopeOf(tenantA, { actor: { kind: 'apiKey', id: 'ann' } }))).toEqual({ found: 'nothing' })
    expect(await claim({ ...key, key: 'Shared' })).toEqual({ found: 'nothing' })
  })

  test('an expired answer is ignored and replaced', async () => {
    const key = keyOf('old')
    await keep(key, 'first')
    const later = scopeOf(tenantA, { now: new Date(inAnHour.getTime()) })
    expect(await claim(key, later)).toEqual({ found: 'nothing' })
    await attached.database.transaction(later, async (transaction) => {
      expect(await transaction.claimKey(keyOf(key.key, 'g'))).toEqual({ found: 'nothing' })
      await transaction.keepAnswer(keyOf(key.key, 'g'), 'second', new Date(later.now.getTime() + HOUR))
    })
    expect(await claim(keyOf(key.key, 'g'), later)).toEqual({ found: 'answer', sealed: 'second' })
  })

  test('what is rolled back keeps no answer', async () => {
    const key = keyOf('failed')
    await expect(
      attached.database.transaction(a, async (transaction) => {
        await transaction.claimKey(key)
        await transaction.keepAnswer(key, 'never', inAnHour)
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await claim(key)).toEqual({ found: 'nothing' })
  })

  test('kept twice although the lock should forbid it: the second is rolled back as still running', async () => {
    const key = keyOf('twice')
    await keep(key, 'first')
    await expect(
      attached.database.transaction(a, (transaction) => transaction.keepAnswer(key, 'second', inAnHour)),
    ).rejects.toMatchObject({ code: 'idempotency_in_progress', status: 409, headers: { 'retry-after': '1' } })
    expect(await claim(key)).toEqual({ found: 'answer', sealed: 'first' })
  })

  test('100 requests at once under one key, ten rounds: the work is done once, the others are answered or told that it runs', async () => {
    for (let round = 0; round < 10; round += 1) {
      const key = keyOf(`race-${round}`)
      let effects = 0
      const claims = await Promise.all(
        Array.from({ length: 100 }, () =>
          attached.database.transaction(a, async (transaction) => {
            const claimed = await transaction.claimKey(key)
            if (claimed.found !== 'nothing') return claimed
            effects += 1
            await new Promise((resolve) => setImmediate(resolve))
            await transaction.keepAnswer(key, `answer ${round}`, inAnHour)
            return claimed
          }),
        ),
      )
      expect(effects).toBe(1)
      const others = claims.filter((claimed) => claimed.found !== 'nothing')
      expect(others).toHaveLength(99)
      for (const other of others)
        expect([{ found: 'running' }, { found: 'answer', sealed: `answer ${round}` }]).toContainEqual(other)
    }
  })
})

describe('on a server, with a connection for each', () => {
  let opened: Opened
  beforeAll(async () => {
    opened = await openServer(inject('postgresUrl'))
  })
  afterAll(() => opened.close())

  test('a second claim does not wait for the first: it is told that it runs', async () => {
    const { database } = attach(opened.drivers)
    const a = scopeOf(tenantA)
    const key = keyOf('held')
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    let claimed = (): void => undefined
    const held = new Promise<void>((resolve) => (claimed = resolve))
    const first = database.transaction(a, async (transaction) => {
      await transaction.claimKey(key)
      claimed()
      await released
    })
    await held
    expect(await database.transaction(a, (transaction) => transaction.claimKey(key))).toEqual({ found: 'running' })
    release()
    await first
    expect(await database.transaction(a, (transaction) => transaction.claimKey(key))).toEqual({ found: 'nothing' })
  })
})
