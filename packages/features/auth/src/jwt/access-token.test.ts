import { createPublicKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { testClock } from '@plinth/testing'
import fc from 'fast-check'
import { importPKCS8, jwtVerify, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { forgeries } from '../../tests/forgeries/forgeries.ts'
import { accessTokens, maximumTokenLength, type AccessSubject } from './access-token.ts'
import { readSigningKey, signingAlgorithms, type SigningAlgorithm } from './signing-key.ts'
import { givenKeys } from './signing-keys.ts'
import { verifiedTokens } from './verified-tokens.ts'

const privateKeys: Record<SigningAlgorithm, KeyObject> = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  EdDSA: generateKeyPairSync('ed25519').privateKey,
}
const issuer = 'https://api.example.com'
const audience = 'https://api.example.com/app'
const start = new Date('2026-03-01T12:00:00Z')
const subject: AccessSubject = {
  userId: randomUUID(),
  tenantId: randomUUID(),
  role: 'admin',
  roles: ['admin', 'developer'],
  sessionId: randomUUID(),
}

function tokensOf(privateKey: KeyObject, changed: { audience?: string; ttl?: number } = {}) {
  const clock = testClock(start)
  return { clock, ...accessTokens({ keys: givenKeys([privateKey]), issuer, audience, clock, ...changed }) }
}

describe.each(signingAlgorithms)('access tokens with %s', (algorithm) => {
  const privateKey = privateKeys[algorithm]
  const { clock, issue, verify } = tokensOf(privateKey)

  test('say who asks, and are what RFC 9068 describes', async () => {
    const { token, claims, expiresIn } = await issue(subject)
    expect(await verify(token)).toEqual({ claims })
    expect(claims).toMatchObject({
      ...subject,
      issuedAt: start.getTime() / 1000,
      expiresAt: start.getTime() / 1000 + 3600,
    })
    expect(expiresIn).toBe(3600)
    // Another library reads it as we do.
    const { payload, protectedHeader } = await jwtVerify(token, createPublicKey(privateKey), {
      algorithms: [algorithm],
      typ: 'at+jwt',
      issuer,
      audience,
      currentDate: start,
    })
    const key = readSigningKey(privateKey)
    expect(protectedHeader).toEqual({ alg: algorithm, kid: typeof key === 'object' && key.kid, typ: 'at+jwt' })
    expect(Object.keys(payload)).toEqual('iss aud sub tenant_id role roles sid iat exp jti'.split(' '))
    expect(payload).toMatchObject({ sub: subject.userId, tenant_id: subject.tenantId, sid: subject.sessionId })
  })

  test('are read when another library made them, with more claims than ours', async () => {
    const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const { token, claims } = await issue({ ...subject, tenantId: null, role: null, roles: [] })
    const [header = '', payload = ''] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString())
    const foreign = await new SignJWT({ ...(JSON.parse(payload) as object), scope: 'a b', name: 'Zoë' })
      .setProtectedHeader(JSON.parse(header) as { alg: string })
      .sign(await importPKCS8(pem, algorithm))
    expect(await verify(foreign)).toEqual({ claims })
  })

  test('every forgery is refused for its own reason, and none takes long', async () => {
    const { token } = await issue(subject)
    const all = forgeries({ token, privateKey, now: start.getTime() / 1000 })
    expect(all.length).toBeGreaterThan(400)
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
    const wrong: unknown[] = []
    for (const { name, token: forged, because } of all) {
      const { claims, fault } = await verify(forged)
      if (claims || (because !== undefined && fault !== because)) wrong.push({ name, claims, fault, because })
    }
    expect(wrong).toEqual([])
    expect((await verify(token)).claims).toBeDefined()
  })

  test('no changed character and no other text passes, or throws', async () => {
    const { token } = await issue(subject)
    const marks = 'ABCXYZabcxyz0189-_.=+/ \n'.split('')
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom('', ...marks), async (at, mark) => {
        fc.pre(mark !== token[at])
        expect((await verify(token.slice(0, at) + mark + token.slice(at + 1))).fault).toBeDefined()
      }),
      { numRuns: 300 },
    )
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => (await verify(text)).fault === 'malformed'),
    )
    const parts = fc.array(
      fc.oneof(
        fc.base64String(),
        fc.json().map((text) => Buffer.from(text).toString('base64url')),
      ),
    )
    await fc.assert(fc.asyncProperty(parts, async (some) => (await verify(some.join('.'))).fault !== undefined))
  })

  test('end to the second, and a token of tomorrow is none of today', async () => {
    const { token } = await issue(subject)
    expect((await verify(token)).claims).toBeDefined()
    clock.advance(3_599_999)
    expect((await verify(token)).claims).toBeDefined()
    clock.advance(1)
    expect(await verify(token)).toEqual({ fault: 'expired' })
    // Issued by a process whose clock is ahead: five seconds are forgiven.
    clock.set(new Date(start.getTime() - 5_000))
    expect((await verify(token)).claims).toBeDefined()
    clock.set(new Date(start.getTime() - 5_001))
    expect(await verify(token)).toEqual({ fault: 'not_yet_valid' })
    clock.set(start)
  })
})

describe('access tokens', () => {
  test('of one key, audience or issuer are nothing to another', async () => {
    const { issue } = tokensOf(privateKeys.ES256)
    const { token } = await issue(subject)
    expect((await tokensOf(privateKeys.EdDSA).verify(token)).fault).toBe('unknown_key')
    expect((await tokensOf(privateKeys.ES256, { audience: `${audience}/` }).verify(token)).fault).toBe('audience')
  })

  test('what was verified before is not what changes the next answer', async () => {
    const { issue, verify, clock } = tokensOf(privateKeys.EdDSA, { ttl: 1 })
    const { token, claims } = await issue(subject)
    expect([await verify(token), await verify(token)]).toEqual([{ claims }, { claims }])
    expect(Object.isFrozen((await verify(token)).claims)).toBe(true)
    expect(Object.isFrozen((await verify(token)).claims?.roles)).toBe(true)
    clock.advance(1_000)
    expect((await verify(token)).fault).toBe('expired')
  })

  test('are not issued where they could not be verified', async () => {
    const { issue } = tokensOf(privateKeys.EdDSA)
    await expect(issue({ ...subject, userId: 'admin' })).rejects.toThrow(RangeError)
    const roles = Array.from({ length: 400 }, (_, index) => `role-number-${index}`)
    await expect(issue({ ...subject, roles })).rejects.toThrow(`more than ${maximumTokenLength} characters`)
    expect(() => tokensOf(privateKeys.EdDSA, { ttl: 0.5 })).toThrow(RangeError)
  })

  test('each has an id of its own', async () => {
    const { issue } = tokensOf(privateKeys.EdDSA)
    const ids = await Promise.all(Array.from({ length: 100 }, async () => (await issue(subject)).claims.tokenId))
    expect(new Set(ids).size).toBe(100)
  })
})

describe('verified tokens', () => {
  const key = readSigningKey(privateKeys.EdDSA)
  if (typeof key === 'string') throw new Error(key)
  const claims = { ...subject, tokenId: 'x', issuedAt: 0, expiresAt: 1_000_000 }

  test('are remembered for a second, and less than that where the clock was set back', () => {
    const tokens = verifiedTokens()
    tokens.put('a', { claims, key }, 100)
    expect(tokens.get('a', 100.999)).toMatchObject({ claims, key })
    expect([tokens.get('a', 101), tokens.get('a', 99), tokens.get('b', 100)]).toEqual([undefined, undefined, undefined])
    tokens.put('a', { claims, key }, 101)
    expect(tokens.get('a', 101.5)).toBeDefined()
  })

  test('are bounded: the oldest goes first', () => {
    const tokens = verifiedTokens()
    for (let index = 0; index < 5_001; index++) tokens.put(`token ${index}`, { claims, key }, 100)
    expect([tokens.get('token 0', 100), tokens.get('token 5000', 100)]).toEqual([undefined, expect.anything()])
    expect(tokens.get('token 1', 100)).toBeDefined()
  })
})
