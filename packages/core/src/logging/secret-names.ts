/**
 * What a field's name says about its value.
 * - `secret`: never shown. Booleans and null are: `mfaSecret: true` tells that there is one.
 * - `token`: as secret, but a number is a count (`tokens: 512` of a language model)
 * - `code`: shown unless it looks like a one-time code: `not_found`, `23505` (PostgreSQL) and 404 are codes as well
 */
export type FieldKind = 'plain' | 'secret' | 'token' | 'code'

/** Whole names, without case, `-` and `_`. */
const secretNames = new Set([
  'pass',
  'pwd',
  'pin',
  'otp',
  'totp',
  'otpcode',
  'totpcode',
  'mfacode',
  'verificationcode',
  'recoverycode',
  'recoverycodes',
  'backupcode',
  'backupcodes',
  'onetimecode',
  'authorization',
  'proxyauthorization',
  'cookie',
  'cookies',
  'setcookie',
  'rawheaders',
  'sessionid',
  'sid',
  'apikey',
  'apikeys',
  'xapikey',
  'secretkey',
  'secretkeys',
  'privatekey',
  'signingkey',
  'encryptionkey',
  'masterkey',
  'accesskey',
  'connectionstring',
  'dsn',
  'otpauthuri',
  'otpauthurl',
  'cvv',
  'cvc',
  'cardnumber',
  'iban',
  'ssn',
])
// Anywhere in a name, so that oldPassword, passwordHash, clientSecret, DATABASE_PASSWORD and awsSecretAccessKey are found.
const secretWord = /passw(or)?d|passphrase|secret|credential|privatekey|apikey/
// Facts about a secret, which are none: passwordChangedAt, tokenType, secretVersion, apiKeyId, tokenTtl.
const aboutSecret =
  /(at|type|count|length|version|id|name|prefix|policy|required|enabled|expired|valid|ttl|expiresin|expires|status|kind|scheme)$/
const tokenWord = /tokens?$|token(hash|value|sha256)$/

/** Names come from code, and from bodies where someone logs one: a map without bound would be a leak of memory. */
const remembered = new Map<string, FieldKind>()
const rememberedNames = 2_000

export function kindOfField(name: string): FieldKind {
  const known = remembered.get(name)
  if (known !== undefined) return known
  const kind = judge(name)
  if (remembered.size >= rememberedNames) remembered.clear()
  if (name.length <= 100) remembered.set(name, kind)
  return kind
}

function judge(name: string): FieldKind {
  const plain = name
    .slice(0, 200)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
  if (plain === 'code') return 'code'
  if (secretNames.has(plain)) return 'secret'
  if (tokenWord.test(plain)) return 'token'
  return secretWord.test(plain) && !aboutSecret.test(plain) ? 'secret' : 'plain'
}
