import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { looksLikeApiKey, makeApiKey, readApiKey } from './key-format.ts'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

describe('API keys', () => {
  test('are what is read, and are stored as SHA-256', () => {
    for (let count = 0; count < 500; count++) {
      const { key, ...parts } = makeApiKey()
      expect(key).toMatch(/^plk_[0-9A-Za-z]{36}$/)
      expect(readApiKey(key)).toEqual(parts)
      expect(parts).toEqual({
        hash: createHash('sha256').update(key).digest('base64url'),
        keyPrefix: key.slice(0, 12),
      })
    }
  })

  test('hold a CRC-32 in base62, as scanners of source code compute it', () => {
    // From the digits back to the number.
    const numberOf = (digits: string) => Array.from(digits).reduce((sum, mark) => sum * 62 + alphabet.indexOf(mark), 0)
    for (let count = 0; count < 100; count++) {
      const { key } = makeApiKey()
      expect(numberOf(key.slice(-6))).toBe(crc32(key.slice(0, -6)))
    }
    // Computed by zlib of another language.
    expect(readApiKey('plk_0000000000000000000000000000000VONtW')?.keyPrefix).toBe('plk_00000000')
  })

  test('are random over the whole alphabet', () => {
    const keys = Array.from({ length: 2_000 }, () => makeApiKey().key)
    expect(new Set(keys).size).toBe(2_000)
    const counts = new Map<string, number>()
    for (const key of keys) for (const mark of key.slice(4, 34)) counts.set(mark, (counts.get(mark) ?? 0) + 1)
    // 60,000 marks of 62 kinds: 968 each, ± 31. With the bias of a plain remainder the first eight would have 1,172.
    expect(counts.size).toBe(62)
    expect(Math.max(...counts.values())).toBeLessThan(1_150)
    expect(Math.min(...counts.values())).toBeGreaterThan(780)
  })

  test('one mistyped mark, and two changed about, are never another key', () => {
    const { key } = makeApiKey()
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 39 }), fc.constantFrom(...alphabet.split('')), (place, mark) => {
        fc.pre(key[place] !== mark)
        expect(readApiKey(key.slice(0, place) + mark + key.slice(place + 1))).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
    for (let place = 4; place < 39; place++) {
      const changed = key.slice(0, place) + key[place + 1]! + key[place]! + key.slice(place + 2)
      expect(readApiKey(changed) === undefined).toBe(changed !== key)
    }
  })

  test('nothing else is one, and nothing is thrown', () => {
    const { key } = makeApiKey()
    const wrong = [
      '',
      'plk_',
      key.slice(4),
      key.slice(0, -1),
      `${key}0`,
      ` ${key}`,
      `${key}\n`,
      key.toUpperCase(),
      key.replace('plk_', 'PLK_'),
    ]
    for (const text of [...wrong, key.replace('plk_', 'rft_'), 'plk_'.repeat(1_000_000)])
      expect(readApiKey(text)).toBeUndefined()
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => readApiKey(text) === undefined))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => readApiKey(`plk_${text}`) === undefined))
    expect([looksLikeApiKey('plk_x'), looksLikeApiKey('eyJ'), looksLikeApiKey('')]).toEqual([true, false, false])
  })
})
