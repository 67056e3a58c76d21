import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashRecoveryCode, makeRecoveryCodes, recoveryCodeCount } from './recovery-codes.ts'

const user = '0198c4f0-0000-7000-8000-000000000001'

describe('recovery codes', () => {
  test('are ten of eighty bits, each another', () => {
    const codes = Array.from({ length: 100 }, makeRecoveryCodes).flat()
    expect(codes).toHaveLength(100 * recoveryCodeCount)
    expect(new Set(codes).size).toBe(1_000)
    for (const code of codes) expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/)
    // Every mark comes about as often as the others: 16,000 marks of 32 kinds, 500 each.
    const counts = new Map<string, number>()
    for (const mark of codes.join('').replaceAll('-', '')) counts.set(mark, (counts.get(mark) ?? 0) + 1)
    expect(counts.size).toBe(32)
    expect(Math.min(...counts.values())).toBeGreaterThan(350)
  })

  test('are read as people type them', () => {
    const hash = hashRecoveryCode(user, '01AB-CDEF-GHJK-MNPQ')
    expect(hash).toMatch(/^[A-Za-z0-9_-]{43}$/)
    const same = [
      '01ABCDEFGHJKMNPQ',
      '01ab cdef ghjk mnpq',
      'OiAB-CDEF-GHJK-MNPQ',
      'olab–cdef—ghjk−mnpq',
      ' 0L AB\tCDEF\u00a0GHJK\u2011MNPQ\n',
    ]
    for (const typed of same) expect(hashRecoveryCode(user, typed)).toBe(hash)
  })

  test('belong to one user, and one changed mark is another code', () => {
    const marks = fc.constantFrom(...'0123456789ABCDEFGHJKMNPQRSTVWXYZ'.split(''))
    fc.assert(
      fc.property(fc.array(marks, { minLength: 16, maxLength: 16 }), fc.nat(15), marks, (code, place, mark) => {
        const hash = hashRecoveryCode(user, code.join(''))
        expect(hash).toBeDefined()
        expect(hashRecoveryCode(user.replace('1', '2'), code.join(''))).not.toBe(hash)
        const changed = code.with(place, mark).join('')
        expect(hashRecoveryCode(user, changed) === hash).toBe(changed === code.join(''))
      }),
    )
  })

  test('nothing else is one, and nothing is thrown', () => {
    const wrong = [
      '',
      '-',
      '01AB-CDEF-GHJK-MNP',
      '01AB-CDEF-GHJK-MNPQ-R',
      '01AB-CDEF-GHJK-MNPU',
      '01AB_CDEF_GHJK_MNPQ',
      '０1ABCDEFGHJKMNPQ',
    ]
    for (const typed of [...wrong, '-'.repeat(100_000), 'ß'.repeat(8)])
      expect(hashRecoveryCode(user, typed)).toBeUndefined()
    expect(hashRecoveryCode(user, `01AB-CDEF-GHJK-MNPQ${' '.repeat(60)}`)).toBeUndefined()
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (typed) => hashRecoveryCode(user, typed) !== ''))
  })
})
