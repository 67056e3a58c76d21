import { describe, expect, test } from 'vitest'
import { passkeyFaults, relyingPartyOf, usable } from './relying-party.ts'

describe('for whom passkeys are made', () => {
  test('is the host of PUBLIC_URL, and its pages', () => {
    expect(relyingPartyOf('https://app.example.com', 8000, {})).toEqual({
      id: 'app.example.com',
      origins: ['https://app.example.com'],
    })
    expect(
      relyingPartyOf('https://app.example.com:8443', 8000, {
        rpId: 'example.com',
        origins: ['https://www.example.com'],
      }),
    ).toEqual({
      id: 'example.com',
      origins: ['https://app.example.com:8443', 'https://www.example.com'],
    })
  })

  test('is localhost in development, and nobody where there is an address', () => {
    expect(relyingPartyOf(undefined, 8000, {})).toEqual({ id: 'localhost', origins: ['http://localhost:8000'] })
    for (const url of ['http://127.0.0.1:8000', 'https://[::1]', 'https://192.0.2.7'])
      expect(() => usable(relyingPartyOf(url, 8000, {}))).toThrow('There are no passkeys here')
  })

  test.each([
    [{}, 0],
    [{ rpId: 'example.com' }, 0],
    [{ rpId: 'app.example.com', origins: ['https://app.example.com', 'https://a.app.example.com'] }, 0],
    [{ rpId: 'com' }, 1],
    [{ rpId: 'other.example.com' }, 1],
    [{ rpId: 'ple.com' }, 1],
    [{ rpId: '' }, 1],
    [{ origins: ['http://app.example.com'] }, 1],
    [{ origins: ['https://app.example.com/'] }, 1],
    [{ origins: ['https://www.example.com'] }, 1],
    [{ rpId: 'example.com', origins: ['*', 'https://evilexample.com', 'nonsense'] }, 3],
  ])('%j has %i faults', (options, count) => {
    expect(passkeyFaults('https://app.example.com', options)).toHaveLength(count)
  })

  test('an address in PUBLIC_URL is no fault: the rest works', () => {
    expect(passkeyFaults('http://127.0.0.1:8000', {})).toEqual([])
    expect(passkeyFaults(undefined, {})).toEqual([])
  })
})
