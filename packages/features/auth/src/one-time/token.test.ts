import { hashToken } from '@plinth/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeApiKey, readApiKey } from '../api-keys/key-format.ts'
import { isTokenOf, makeToken, type TokenKind } from './token.ts'

const kinds: readonly TokenKind[] = ['session', 'refresh', 'mfa', 'passkey', 'reset', 'verify', 'bootstrap']

describe('random tokens', () => {
  test('are good at their own door only', () => {
    for (const kind of kinds) {
      const token = makeToken(kind)
      expect(kinds.filter((door) => isTokenOf(door, token))).toEqual([kind])
      expect(readApiKey(token)).toBeUndefined()
    }
    const { key } = makeApiKey()
    expect(kinds.filter((door) => isTokenOf(door, key))).toEqual([])
  })

  test('have 256 bits, and nothing of them is in their hash', () => {
    const tokens = kinds.flatMap((kind) => Array.from({ length: 200 }, () => makeToken(kind)))
    expect(new Set(tokens).size).toBe(tokens.length)
    expect(new Set(tokens.map(hashToken)).size).toBe(tokens.length)
    for (const token of tokens) {
      expect(token).toMatch(/^[a-z]{3}_[A-Za-z0-9_-]{43}$/)
      expect(hashToken(token)).toMatch(/^[A-Za-z0-9_-]{43}$/)
      expect(hashToken(token)).not.toContain(token.slice(4, 12))
    }
  })

  test('of another kind under the same secret have another hash', () => {
    const token = makeToken('mfa')
    expect(hashToken(token.replace('mfa_', 'ses_'))).not.toBe(hashToken(token))
  })

  test('no other text is one, and nothing is thrown', () => {
    const token = makeToken('refresh')
    const wrong = [
      token.slice(0, -1),
      `${token}A`,
      `${token}\n`,
      ` ${token}`,
      token.toUpperCase(),
      token.slice(4),
      '',
      'rft_',
    ]
    for (const text of wrong) expect(isTokenOf('refresh', text)).toBe(false)
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...kinds), (text, kind) => !isTokenOf(kind, text)),
    )
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 43, maxLength: 43 }),
        (text) => !isTokenOf('refresh', `rft_${text} `),
      ),
    )
  })
})
