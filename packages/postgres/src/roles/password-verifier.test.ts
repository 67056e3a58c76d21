import { expect, test } from 'vitest'
import { passwordVerifier, verifiesPassword } from './password-verifier.ts'

test('is what RFC 7677 computes from its own example', () => {
  // User "user", password "pencil", salt W22ZaJ0SNY7soEsUEjb6gQ==, 4096 iterations. The server signature of the example,
  // 6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=, is made with this server key.
  const verifier = passwordVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'))
  expect(verifier).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  )
})

test('verifies its own, whatever the salt, and nothing else', () => {
  const stored = passwordVerifier('secret')
  expect(stored).not.toBe(passwordVerifier('secret'))
  expect(verifiesPassword(stored, 'secret')).toBe(true)
  for (const wrong of ['Secret', '', 'secret ']) expect(verifiesPassword(stored, wrong)).toBe(false)
  for (const other of [null, '', 'md5c4ca4238a0b923820dcc509a6f75849b', 'SCRAM-SHA-256$x', `${stored}A`])
    expect(verifiesPassword(other, 'secret')).toBe(false)
})
