import { createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseKeyRing, type KeyRing } from './key-ring.ts'
import { openText, SealError, sealText } from './seal-text.ts'

const keyText = (kid: string) => `${kid}:${randomBytes(32).toString('base64')}`
const first = keyText('k1')
const ring = parseKeyRing(first)
const reasonOf = (keys: KeyRing, sealed: string, context: string): string => {
  try {
    return `opened: ${openText(keys, sealed, context)}`
  } catch (error) {
    if (error instanceof SealError) return error.reason
    throw error
  }
}

describe('sealText and openText', () => {
  test('give back any text in its context', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, context) => {
        expect(openText(ring, sealText(ring, text, context), context)).toBe(text)
      }),
    )
  })

  test('do not open in any other context', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (text, context, other) => {
        fc.pre(context !== other)
        expect(reasonOf(ring, sealText(ring, text, context), other)).toBe('not_authentic')
      }),
    )
  })

  test('do not open with one character changed, added or left out', () => {
    const sealed = sealText(ring, 'a text', 'tenant|user')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.='
    for (let at = 0; at < sealed.length; at++) {
      for (const mark of ['', ...alphabet.split('')].filter((one) => one !== sealed[at])) {
        const changed = sealed.slice(0, at) + mark + sealed.slice(at + 1)
        expect(['malformed', 'unknown_key', 'not_authentic']).toContain(reasonOf(ring, changed, 'tenant|user'))
      }
    }
    for (const longer of [`${sealed}A`, `${sealed}=`, ` ${sealed}`, `${sealed}\n`])
      expect(reasonOf(ring, longer, 'tenant|user')).not.toContain('opened')
  })

  test('do not open any other text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(reasonOf(ring, text, '')).toBe('malformed')
        expect(reasonOf(ring, `s1.k1.${Buffer.from(text).toString('base64url')}`, '')).toMatch(
          /malformed|not_authentic/,
        )
      }),
    )
  })

  test('are AES-256-GCM with a key for each context, as node:crypto computes it', () => {
    const master = Buffer.from(hkdfSync('sha256', Buffer.from(first.slice(3), 'base64'), '', 'plinth/1/seal/text', 32))
    const key = createHmac('sha256', master).update('tenant|user').digest()
    const bytes = Buffer.from(sealText(ring, 'text', 'tenant|user').slice('s1.k1.'.length), 'base64url')
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
      .setAAD(Buffer.from('s1.k1.tenant|user'))
      .setAuthTag(bytes.subarray(-16))
    expect(decipher.update(bytes.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8')).toBe('text')
  })

  test('hide the text, and give two values for one text', () => {
    const [one, two] = [sealText(ring, 'canary', 'c'), sealText(ring, 'canary', 'c')]
    expect(one).not.toBe(two)
    expect(Buffer.from(one.split('.')[2] ?? '', 'base64url').toString('latin1')).not.toContain('canary')
    expect(one).toMatch(/^s1\.k1\.[A-Za-z0-9_-]+$/)
  })

  test('the length is the documented one', () => {
    expect(sealText(ring, '', 'c').length - 's1.k1.'.length).toBe(38)
  })

  test('survive a rotation, and the end of a key says so', () => {
    const sealed = sealText(ring, 'x', 'c')
    const second = keyText('k2')
    const rotated = parseKeyRing(`${second},${first}`)
    expect(openText(rotated, sealed, 'c')).toBe('x')
    expect(sealText(rotated, 'x', 'c')).toMatch(/^s1\.k2\./)
    expect(reasonOf(parseKeyRing(second), sealed, 'c')).toBe('unknown_key')
    expect(reasonOf(parseKeyRing(keyText('k1')), sealed, 'c')).toBe('not_authentic')
  })

  test('refuse a lone surrogate instead of giving back another text', () => {
    expect(() => sealText(ring, 'a\uD800', 'c')).toThrow(RangeError)
    expect(() => sealText(ring, 'a', '\uDC00')).toThrow(RangeError)
  })
})
