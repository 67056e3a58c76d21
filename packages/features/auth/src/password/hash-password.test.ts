import * as argon2 from '@node-rs/argon2'
import { PlinthError } from '@plinth/core'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { needsRehash, nobodysHash, type HashCost } from './hash-cost.ts'
import { hashPassword } from './hash-password.ts'
import { HashQueue } from './hash-queue.ts'
import { preparePassword } from './prepare-password.ts'
import { verifyPassword } from './verify-password.ts'

/** How many hashes the library computes at this moment, and the most that it ever did. */
const at = vi.hoisted(() => ({ once: 0, most: 0, all: 0 }))
vi.mock('@node-rs/argon2', async (original) => {
  const real = await original<typeof argon2>()
  const counted =
    <Given extends readonly unknown[], T>(work: (...given: Given) => Promise<T>) =>
    async (...given: Given): Promise<T> => {
      at.once += 1
      at.all += 1
      at.most = Math.max(at.most, at.once)
      return work(...given).finally(() => (at.once -= 1))
    }
  return { ...real, hash: counted(real.hash), verify: counted(real.verify) }
})
afterEach(() => void Object.assign(at, { once: 0, most: 0, all: 0 }))

// Cheap ones: what is tested here is not the library.
const cost: HashCost = { memory: 64, passes: 1, lanes: 1 }
const queue = new HashQueue(2, 1_000)
const hashOf = (password: string): Promise<string> => hashPassword(password, cost, queue)
const fits = async (password: string, stored: string | undefined): Promise<boolean> =>
  (await verifyPassword(password, stored, { cost, queue })).valid

describe('a hash', () => {
  test('is argon2id with 19 MiB, two passes, one lane and a salt of its own', async () => {
    const [one, other] = [await hashPassword('correct horse battery'), await hashPassword('correct horse battery')]
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
    expect(one).not.toBe(other)
    expect(await verifyPassword('correct horse battery', one)).toEqual({ valid: true, rehash: false })
    expect(await verifyPassword('correct horse batterz', one)).toEqual({ valid: false, rehash: false })
  })

  test('fits its password and no other, whatever its characters', async () => {
    const any = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 })
    await fc.assert(
      fc.asyncProperty(any, any, async (password, other) => {
        const stored = await hashOf(password)
        expect(await fits(password, stored)).toBe(true)
        expect(await fits(other, stored)).toBe(other.normalize('NFKC') === password.normalize('NFKC'))
        expect(await fits(`${password}x`, stored)).toBe(false)
      }),
      { numRuns: 40 },
    )
  })

  test('counts every byte: NUL, spaces at the ends, and what lies behind the 72nd', async () => {
    const long = 'x'.repeat(100)
    for (const [password, other] of [
      ['secret\0one', 'secret\0two'],
      ['secret', 'secret\0'],
      [' secret', 'secret'],
      [`${long}a`, `${long}b`],
    ] as const) {
      const stored = await hashOf(password)
      expect(await fits(password, stored)).toBe(true)
      expect(await fits(other, stored)).toBe(false)
    }
  })

  test('is of the NFKC form: as another keyboard types it', async () => {
    expect(await fits('Cafe\u0301 ﬁne', await hashOf('Café fine'))).toBe(true)
    expect(await fits('ＡＢＣ１２３', await hashOf('ABC123'))).toBe(true)
  })

  test('of more than 1,024 bytes or of no text is not computed, neither made nor compared', async () => {
    const stored = await hashOf('secret')
    Object.assign(at, { all: 0 })
    for (const password of [
      'x'.repeat(1_025),
      'ä'.repeat(513),
      '\uFDFA'.repeat(60),
      'x'.repeat(1_000_000),
      'a\uD800',
    ]) {
      expect(preparePassword(password)).toBeUndefined()
      const error: unknown = await hashOf(password).catch((thrown: unknown) => thrown)
      expect(PlinthError.is(error) && error.errors).toMatchObject([{ path: '/password', code: 'password_too_long' }])
      expect(await fits(password, stored)).toBe(false)
      expect(await fits(password, undefined)).toBe(false)
    }
    expect(at.all).toBe(0)
    expect(await fits('x'.repeat(1_024), await hashOf('x'.repeat(1_024)))).toBe(true)
  })
})

describe('a comparison', () => {
  test('for somebody unknown computes a hash of the same cost and says no', async () => {
    expect(await verifyPassword('secret', undefined, { queue })).toEqual({ valid: false, rehash: false })
    expect(at.all).toBe(1)
    expect(argon2.parseOptions(nobodysHash(cost))).toMatchObject({
      memoryCost: 64,
      timeCost: 1,
      parallelism: 1,
      outputLen: 32,
      saltLen: 16,
    })
    expect(needsRehash(nobodysHash({ memory: 19_456, passes: 2, lanes: 1 }))).toBe(false)
  })

  test('asks for a new hash where the cost has changed since, and only for the right password', async () => {
    const stored = await hashOf('secret')
    for (const changed of [
      { ...cost, memory: 128 },
      { ...cost, passes: 2 },
      { ...cost, lanes: 2 },
    ]) {
      expect(await verifyPassword('secret', stored, { cost: changed, queue })).toEqual({ valid: true, rehash: true })
      expect(await verifyPassword('wrong', stored, { cost: changed, queue })).toEqual({ valid: false, rehash: false })
    }
    const older = await argon2.hash('secret', { memoryCost: 64, timeCost: 1, parallelism: 1, algorithm: 1 })
    expect(older).toMatch(/^\$argon2i\$/)
    expect(await verifyPassword('secret', older, { cost, queue })).toEqual({ valid: true, rehash: true })
  })

  test.each([
    '',
    'plain',
    '$argon2id$',
    '$argon2id$v=19$m=64,t=1,p=1$c2FsdA$',
    '$2b$10$abcdefghijklmnopqrstuv',
    '$argon2x$v=19$m=64$a$b',
  ])('with %j, which is no hash, says no and does not throw', async (stored) => {
    expect(await fits('secret', stored)).toBe(false)
    expect(needsRehash(stored)).toBe(true)
  })

  test('knows the hashes that were brought along, and wants them replaced', async () => {
    const imported = [
      { prefix: '$old$', verify: (password: string, stored: string) => Promise.resolve(stored === `$old$${password}`) },
    ]
    expect(await verifyPassword('secret', '$old$secret', { cost, queue, imported })).toEqual({
      valid: true,
      rehash: true,
    })
    expect(await verifyPassword('wrong', '$old$secret', { cost, queue, imported })).toEqual({
      valid: false,
      rehash: false,
    })
    expect(await verifyPassword('secret', '$older$secret', { cost, queue, imported })).toEqual({
      valid: false,
      rehash: false,
    })
  })
})

describe('the queue', () => {
  test.each([1, 2, 3])('lets no more than %i hashes run at once, of a hundred', async (parallel) => {
    const own = new HashQueue(parallel, 1_000)
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        index % 2 === 0 ? hashPassword('secret', cost, own) : verifyPassword('secret', undefined, { cost, queue: own }),
      ),
    )
    expect(at.most).toBe(parallel)
    expect(at.all).toBe(100)
  })

  test('refuses at once what would have to wait for too long, and recovers', async () => {
    const own = new HashQueue(1, 2)
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => hashPassword('secret', cost, own)))
    const refused = results.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
    expect(refused).toHaveLength(7)
    for (const error of refused)
      expect(error).toMatchObject({ code: 'unavailable', status: 503, headers: { 'retry-after': '1' } })
    expect(at.all).toBe(3)
    await expect(hashPassword('secret', cost, own)).resolves.toContain('$argon2id$')
  })

  test('keeps the order, and its count when the work fails', async () => {
    const own = new HashQueue(1, 1_000)
    const order: number[] = []
    const works = Array.from({ length: 20 }, (_, index) =>
      own.run(() => {
        order.push(index)
        return index % 3 === 0 ? Promise.reject(new Error('on purpose')) : Promise.resolve()
      }),
    )
    await Promise.allSettled(works)
    expect(order).toEqual([...order].sort((left, right) => left - right))
    let running = 0
    await Promise.all(
      Array.from({ length: 20 }, () =>
        own.run(async () => {
          running += 1
          expect(running).toBe(1)
          await Promise.resolve()
          running -= 1
        }),
      ),
    )
  })
})
