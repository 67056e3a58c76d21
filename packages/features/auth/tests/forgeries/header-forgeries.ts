import { constants, createPublicKey, generateKeyPairSync, hash, sign } from 'node:crypto'
import { part, signed, without, type Forge, type Forgery, type Members } from './forge.ts'

/** `alg: none` in all spellings, and values that are no algorithm; without a signature and with the one that was there. */
export function noneForgeries({ parts, header, claims, real }: Forge): Forgery[] {
  const [, , signature = ''] = parts.token.split('.')
  const spellings: unknown[] = [
    'none',
    'None',
    'NONE',
    'nOnE',
    'none ',
    '',
    null,
    0,
    true,
    [header.alg],
    { alg: 'none' },
  ]
  return spellings
    .flatMap((alg) => {
      const input = `${part({ ...header, alg })}.${part(claims)}`
      const name = `alg ${JSON.stringify(alg)}`
      return [
        { name: `${name}, no signature`, token: `${input}.` },
        { name: `${name}, no third part`, token: input },
        { name: `${name}, the old signature`, token: `${input}.${signature}`, because: 'algorithm' },
        { name: `${name}, signed by the real key`, token: real({ ...header, alg }, claims), because: 'algorithm' },
      ]
    })
    .concat({ name: 'no alg', token: real(without(header, 'alg'), claims), because: 'algorithm' })
}

/** An HMAC under what everybody knows: the public key, in every form in which a library may hold it (CVE-2015-9235). */
export function confusionForgeries({ publicKey, header, hmac }: Forge): Forgery[] {
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }))
  const der = publicKey.export({ type: 'spki', format: 'der' })
  const jwk = publicKey.export({ format: 'jwk' })
  const secrets: Record<string, string | Buffer> = {
    PEM: pem,
    'PEM without the last line end': pem.trimEnd(),
    'PEM with CRLF': pem.replaceAll('\n', '\r\n'),
    'PEM in one line': pem.replaceAll('\n', ''),
    DER: der,
    'DER as base64': der.toString('base64'),
    JWK: JSON.stringify(jwk),
    'JWK with kid': JSON.stringify({ ...jwk, kid: header.kid }),
    'first number of the JWK': Buffer.from(String(jwk.n ?? jwk.x), 'base64url'),
    'its text': String(jwk.n ?? jwk.x),
    kid: String(header.kid),
    nothing: '',
    'the word secret': 'secret',
    ...(jwk.kty === 'RSA' ? { 'PKCS#1 PEM': publicKey.export({ type: 'pkcs1', format: 'pem' }) } : {}),
  }
  return Object.entries(secrets).flatMap(([form, secret]) =>
    ['256', '384', '512'].map((bits) => ({
      name: `HS${bits} under the public key as ${form}`,
      token: hmac(`sha${bits}`, secret, { ...header, alg: `HS${bits}` }),
      because: 'algorithm',
    })),
  )
}

/** Other algorithms under the same key, and the same name over another digest. */
export function algorithmForgeries({ parts, header, claims, real }: Forge): Forgery[] {
  const key = parts.privateKey
  const input = (alg: unknown): string => `${part({ ...header, alg })}.${part(claims)}`
  const named = ['RS384', 'RS512', 'PS256', 'ES256K', 'ES384', 'Ed448', 'RSA-OAEP', 'dir', 'rs256', 'es256', 'eddsa']
    .concat(['RS256', 'ES256', 'EdDSA', 'Ed25519'].filter((one) => one !== header.alg))
    .map((alg) => ({
      name: `alg ${alg} signed by the real key`,
      token: real({ ...header, alg }, claims),
      because: 'algorithm',
    }))
  if (key.asymmetricKeyType === 'ed25519') return named
  const digests = ['sha1', 'sha384', 'sha512'].map((digest) => ({
    name: `the right alg over ${digest}`,
    token: signed(key, input(header.alg), digest),
    because: 'signature',
  }))
  if (key.asymmetricKeyType !== 'rsa') return [...named, ...digests]
  const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  return [
    ...named,
    ...digests,
    ...['RS256', 'PS256'].map((alg) => ({
      name: `${alg} with PSS padding`,
      token: `${input(alg)}.${sign('sha256', Buffer.from(input(alg)), pss).toString('base64url')}`,
    })),
  ]
}

/** Names that read a file, a row or a property somewhere, and the names of other keys. */
export function kidForgeries({ header, claims, real, thief, hmac, thiefKey }: Forge): Forgery[] {
  const foreign = createPublicKey(thiefKey).export({ format: 'jwk' })
  const odd: unknown[] = [
    '',
    ' ',
    0,
    null,
    true,
    [header.kid],
    { kid: header.kid },
    '../../../../../../etc/passwd',
    '/dev/null',
    '..\\..\\boot.ini',
    'file:///dev/null',
    'https://evil.example/key',
    "' OR 1=1 --",
    "x' UNION SELECT 'secret' --",
    '"; DROP TABLE users; --',
    '$(id)',
    '|id',
    '%00',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '0',
    '*',
    '\u0000',
    '\ud800',
    `${String(header.kid)} `,
    ` ${String(header.kid)}`,
    `${String(header.kid)}\u0000`,
    `${String(header.kid)}.pem`,
    String(header.kid).toUpperCase(),
    String(header.kid).slice(0, -1),
    'k'.repeat(5_000),
    hash('sha256', JSON.stringify(foreign), 'base64url'),
  ]
  return odd
    .map((kid): Forgery => ({
      name: `kid ${JSON.stringify(kid).slice(0, 50)}`,
      token: real({ ...header, kid }, claims),
    }))
    .concat(
      { name: 'no kid', token: real(without(header, 'kid'), claims), because: 'header' },
      { name: 'the right kid, signed by another key', token: thief(header, claims), because: 'signature' },
      {
        name: 'kid /dev/null, HMAC under nothing',
        token: hmac('sha256', '', { ...header, alg: 'HS256', kid: '/dev/null' }),
      },
      { name: 'no kid, signed by another key', token: thief(without(header, 'kid'), claims) },
      ...['EdDSA', 'ES256', 'RS256'].map((alg) => ({
        name: `the right kid, ${alg} by another kind of key`,
        token: signed(keyFor(alg), `${part({ ...header, alg })}.${part(claims)}`),
      })),
    )
}

/** A key, or the place of one, that the token brings along (RFC 8725 §3.10), signed by its owner and by us. */
export function embeddedForgeries({ header, claims, real, thief, thiefKey }: Forge): Forgery[] {
  const publicThief = createPublicKey(thiefKey)
  const jwk = publicThief.export({ format: 'jwk' })
  const der = publicThief.export({ type: 'spki', format: 'der' }).toString('base64')
  const members: Record<string, Members> = {
    jwk: { jwk },
    'jwk with our kid': { jwk: { ...jwk, kid: header.kid } },
    jku: { jku: 'https://evil.example/jwks.json' },
    'jku to this machine': { jku: 'http://127.0.0.1:1/jwks' },
    'jku of data': { jku: `data:application/json,${JSON.stringify({ keys: [jwk] })}` },
    x5u: { x5u: 'https://evil.example/cert.pem' },
    x5c: { x5c: [der] },
    x5t: { x5t: hash('sha1', der, 'base64url') },
    'x5t#S256': { 'x5t#S256': hash('sha256', der, 'base64url') },
    keys: { keys: [jwk] },
    epk: { epk: jwk },
  }
  return Object.entries(members).flatMap(([name, more]) => [
    { name: `${name}, signed by its owner`, token: thief({ ...header, ...more }, claims), because: 'header' },
    { name: `${name}, without kid`, token: thief({ ...without(header, 'kid'), ...more }, claims), because: 'header' },
    { name: `${name}, signed by the real key`, token: real({ ...header, ...more }, claims), because: 'header' },
  ])
}

/** Tokens for something else under the same key, and extensions that must be understood (RFC 7515 §4.1.11, RFC 7797). */
export function typeForgeries({ header, claims, real, parts }: Forge): Forgery[] {
  const types: unknown[] = [
    'JWT',
    'jwt',
    'at+JWT',
    'AT+JWT',
    'application/at+jwt',
    'rt+jwt',
    'mfa+jwt',
    'id+jwt',
    'dpop+jwt',
  ]
  const odd: unknown[] = ['logout+jwt', 'secevent+jwt', 'at+jwt ', '', null, 1, ['at+jwt'], { typ: 'at+jwt' }]
  const extensions: Members[] = [
    { crit: ['exp'], exp: 1 },
    { crit: ['b64'], b64: true },
    { crit: [] },
    { crit: 'b64' },
    { crit: null },
    { crit: ['x'], x: 1 },
    { b64: false },
    { zip: 'DEF' },
    { cty: 'JWT' },
    { enc: 'A256GCM' },
    { iss: 'evil' },
    { 'http://openid.net/specs/jwt/1.0': true },
  ]
  const head = part({ ...header, b64: false, crit: ['b64'] })
  return [
    { name: 'no typ', token: real(without(header, 'typ'), claims), because: 'type' },
    ...[...types, ...odd].map((typ) => ({
      name: `typ ${JSON.stringify(typ)}`,
      token: real({ ...header, typ }, claims),
      because: 'type',
    })),
    ...extensions.map((more) => ({
      name: `header with ${JSON.stringify(more)}`,
      token: real({ ...header, ...more }, claims),
      because: 'header',
    })),
    { name: 'b64 false, the payload in clear', token: signed(parts.privateKey, `${head}.${JSON.stringify(claims)}`) },
    { name: 'b64 false, a payload without dots', token: signed(parts.privateKey, `${head}.admin`), because: 'header' },
    { name: 'cty JWT around a valid token', token: real({ ...header, cty: 'JWT' }, parts.token), because: 'header' },
    ...['[]', 'null', '1', '"at+jwt"', '{}', '{', ''].map((text) => ({
      name: `header ${text}`,
      token: real(text, claims),
    })),
  ]
}

function keyFor(alg: string) {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519').privateKey
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}
