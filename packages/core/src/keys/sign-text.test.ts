import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deriveKey } from './derive-key.ts'
import { parseKeyRing } from './key-ring.ts'
import { sign, verify } from './sign-text.ts'

const keyText = (kid: string) => `${kid}:${randomBytes(32).toString('base64')}`
const first = keyText('k1')
const ring = parseKeyRing(first)

describe('sign and verify', () => {
  test('are HMAC-SHA256 under HKDF, as node:crypto computes it', () => {
    const master = Buffer.from(first.slice(3), 'base64')
    const key = Buffer.from(hkdfSync('sha256', master, '', 'plinth/1/sign/cursor', 32))
    expect(sign(ring, 'cursor', 'text')).toBe(
      `k1.${createHmac('sha256', key).update('text').digest().subarray(0, 16).toString('base64url')}`,
    )
  })

  test('agree on one text and purpose only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, other) => {
        const signature = sign(ring, 'cursor', text)
        expect(verify(ring, 'cursor', text, signature)).toBe(true)
        expect(verify(ring, 'link', text, signature)).toBe(false)
        expect(verify(ring, 'cursor', other, signature)).toBe(other === text)
      }),
    )
  })

  test('no signature has a second spelling', () => {
    const signature = sign(ring, 'cursor', 'text')
    for (let at = 0; at < signature.length; at++) {
      for (const mark of ['', ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.='.split('')].filter(
        (one) => one !== signature[at],
      )) {
        expect(verify(ring, 'cursor', 'text', signature.slice(0, at) + mark + signature.slice(at + 1))).toBe(false)
      }
    }
    for (const longer of [`${signature}A`, `${signature}=`, ` ${signature}`, `${signature}\n`])
      expect(verify(ring, 'cursor', 'text', longer)).toBe(false)
  })

  test('foreign input is false, never a throw', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !verify(ring, 'cursor', 'text', text)))
    for (const odd of ['', '.', 'k1', 'k1.', 'k1.\uD800', 'é'.repeat(11)])
      expect(verify(ring, 'cursor', 'text', odd)).toBe(false)
  })

  test('a lone surrogate does not share the signature of U+FFFD', () => {
    expect(() => sign(ring, 'cursor', '\uD800')).toThrow(RangeError)
    expect(verify(ring, 'cursor', '\uD800', sign(ring, 'cursor', '\uFFFD'))).toBe(false)
  })

  test('survive a rotation until the key leaves the ring', () => {
    const signature = sign(ring, 'cursor', 'text')
    const second = keyText('k2')
    expect(verify(parseKeyRing(`${second},${first}`), 'cursor', 'text', signature)).toBe(true)
    expect(sign(parseKeyRing(`${second},${first}`), 'cursor', 'text')).toMatch(/^k2\./)
    expect(verify(parseKeyRing(second), 'cursor', 'text', signature)).toBe(false)
    expect(verify(parseKeyRing(keyText('k1')), 'cursor', 'text', signature)).toBe(false)
  })
})

describe('deriveKey', () => {
  test('gives each purpose its own key, always the same', () => {
    const keys = ['a', 'b', 'seal', 'sign'].map((purpose) => deriveKey(ring, purpose).export().toString('hex'))
    expect(new Set(keys).size).toBe(4)
    expect(keys[0]).toHaveLength(64)
    expect(deriveKey(parseKeyRing(first), 'a').export().toString('hex')).toBe(keys[0])
  })

  test('is bound to a key of the ring', () => {
    const rotated = parseKeyRing(`${keyText('k2')},${first}`)
    expect(deriveKey(rotated, 'a', 'k1').equals(deriveKey(ring, 'a'))).toBe(true)
    expect(deriveKey(rotated, 'a').equals(deriveKey(ring, 'a'))).toBe(false)
    expect(() => deriveKey(ring, 'a', 'k9')).toThrow(RangeError)
    expect(() => deriveKey(ring, '')).toThrow(RangeError)
    expect(() => deriveKey(ring, 'x'.repeat(201))).toThrow(RangeError)
  })

  test('stays right when there are more purposes than the cache holds', () => {
    const before = deriveKey(ring, 'p0')
    for (let at = 0; at < 600; at++) deriveKey(ring, `p${at}`)
    expect(deriveKey(ring, 'p0').equals(before)).toBe(true)
  })
})
