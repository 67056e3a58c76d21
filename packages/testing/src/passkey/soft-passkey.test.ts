import { createHash, createPublicKey, verify, type JsonWebKey } from 'node:crypto'
import { decodeCBOR, decodePartialCBOR } from '@levischuck/tiny-cbor'
import { expect, test } from 'vitest'
import { softPasskey, type CreatedPasskey } from './soft-passkey.ts'

const origin = 'https://app.example.com'
const create = { challenge: 'Y3JlYXRl', rp: { id: 'app.example.com' }, user: { id: 'dXNlcg' } }
const get = { challenge: 'Z2V0', rpId: 'app.example.com' }
const bytes = (text: string): Buffer => Buffer.from(text, 'base64url')
const sha256 = (data: string | Uint8Array): Buffer => createHash('sha256').update(data).digest()

/** Read by hand, as WebAuthn §6.5.1 lays it out. */
function keyOf({ response }: CreatedPasskey): { readonly id: string; readonly jwk: JsonWebKey } {
  const attestation = decodeCBOR(Uint8Array.from(bytes(response.attestationObject))) as Map<string, Uint8Array>
  const data = Buffer.from(attestation.get('authData')!)
  const length = data.readUInt16BE(53)
  const [key] = decodePartialCBOR(Uint8Array.from(data.subarray(55 + length)), 0) as [
    Map<number, number | Uint8Array>,
    number,
  ]
  const part = (label: number): string => Buffer.from(key.get(label) as Uint8Array).toString('base64url')
  const jwk: Record<number, () => JsonWebKey> = {
    1: () => ({ kty: 'OKP', crv: 'Ed25519', x: part(-2) }),
    2: () => ({ kty: 'EC', crv: 'P-256', x: part(-2), y: part(-3) }),
    3: () => ({ kty: 'RSA', n: part(-1), e: part(-2) }),
  }
  return { id: data.subarray(55, 55 + length).toString('base64url'), jwk: jwk[Number(key.get(1))]!() }
}

test.each(['ES256', 'EdDSA', 'RS256'] as const)('%s: what it signs is right by the key that it made', (algorithm) => {
  const passkey = softPasskey({ origin, algorithm })
  const { id, jwk } = keyOf(passkey.create(create))
  expect(id).toBe(passkey.credentialId)
  const { response } = passkey.get(get)
  const data = Buffer.concat([bytes(response.authenticatorData), sha256(bytes(response.clientDataJSON))])
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const digest = algorithm === 'EdDSA' ? null : 'sha256'
  expect(verify(digest, data, key, bytes(response.signature))).toBe(true)
  expect(verify(digest, Buffer.concat([data, Buffer.of(0)]), key, bytes(response.signature))).toBe(false)
  expect(JSON.parse(bytes(response.clientDataJSON).toString())).toEqual({
    type: 'webauthn.get',
    challenge: 'Z2V0',
    origin,
    crossOrigin: false,
  })
  expect(response.userHandle).toBe('dXNlcg')
})

test('it is for its domain, says that its user is there and known, and counts', () => {
  const counting = softPasskey({ origin })
  counting.create(create)
  const synced = softPasskey({ origin, counts: false })
  synced.create(create)
  const told = (passkey: typeof counting): [boolean, number, number] => {
    const data = bytes(passkey.get(get).response.authenticatorData)
    return [data.subarray(0, 32).equals(sha256('app.example.com')), data[32]!, data.readUInt32BE(33)]
  }
  expect([told(counting), told(counting)]).toEqual([
    [true, 0b101, 2],
    [true, 0b101, 3],
  ])
  expect(told(synced)).toEqual([true, 0b1_1101, 0])
})

test('it lies where it is asked to, and only there', () => {
  const passkey = softPasskey({ origin })
  passkey.create(create)
  const honest = passkey.get(get)
  const lie = passkey.get(get, { origin: 'https://evil.example', userVerified: false, counter: 7, userHandle: null })
  expect(JSON.parse(bytes(lie.response.clientDataJSON).toString())).toMatchObject({ origin: 'https://evil.example' })
  expect(bytes(lie.response.authenticatorData)[32]).toBe(1)
  expect(bytes(lie.response.authenticatorData).readUInt32BE(33)).toBe(7)
  expect(lie.response).not.toHaveProperty('userHandle')
  expect(lie.id).toBe(honest.id)
  const known = [{ id: passkey.credentialId }]
  expect(() => passkey.create({ ...create, excludeCredentials: known })).toThrow('registered already')
  expect(() => passkey.get({ ...get, allowCredentials: [{ id: 'AAAA' }] })).toThrow('none of the allowed')
  expect(passkey.get({ ...get, allowCredentials: known }).id).toBe(passkey.credentialId)
})
