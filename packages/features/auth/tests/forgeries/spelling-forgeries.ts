import { part, signatureOf, signed, type Forge, type Forgery } from './forge.ts'

/** The same token in another spelling: every reader that is lenient here differs from one that is not. */
export function spellingForgeries({ parts, header, claims, real }: Forge): Forgery[] {
  const { token, privateKey } = parts
  const [head = '', body = '', signature = ''] = token.split('.')
  const spelled = (name: string, text: string): Forgery => ({ name, token: text })
  const inserted = [
    ' ',
    '\t',
    '\n',
    '\r',
    '\r\n',
    '\u0000',
    '\u00a0',
    '\ufeff',
    '=',
    '==',
    '+',
    '/',
    '%3D',
    '.',
    'é',
    '\u0410',
  ]
  return [
    ...inserted.flatMap((odd) => {
      const name = JSON.stringify(odd)
      return [
        spelled(`${name} before`, odd + token),
        spelled(`${name} behind`, token + odd),
        spelled(`${name} behind the header`, `${head}${odd}.${body}.${signature}`),
        spelled(`${name} behind the payload`, `${head}.${body}${odd}.${signature}`),
        spelled(
          `${name} within the signature`,
          `${head}.${body}.${signature.slice(0, 20)}${odd}${signature.slice(20)}`,
        ),
      ]
    }),
    ...[1, 2, 4, 20, 40].map((cut) => spelled(`signature shorter by ${cut}`, token.slice(0, -cut))),
    ...['A', 'AA', 'AAAA', signature].map((more) => spelled(`signature longer by ${more.length}`, token + more)),
    ...otherLastMarks(signature).map((mark) => spelled(`bits left over: ${mark}`, token.slice(0, -1) + mark)),
    spelled('one bit of the signature', `${head}.${body}.${flipped(signature)}`),
    spelled('one bit of the payload', `${head}.${flipped(body)}.${signature}`),
    spelled('one bit of the header', `${flipped(head)}.${body}.${signature}`),
    spelled('another role under the old signature', `${head}.${part({ ...claims, role: 'superadmin' })}.${signature}`),
    spelled('payload and header changed about', `${body}.${head}.${signature}`),
    spelled('in upper case', token.toUpperCase()),
    spelled('escaped for a URL', encodeURIComponent(token).replaceAll('.', '%2E')),
    spelled('detached', `${head}..${signature}`),
    spelled('detached, signed over nothing', signed(privateKey, `${head}.`)),
    spelled('only the header', `${head}..`),
    spelled('two parts', `${head}.${body}`),
    spelled('one part', head),
    spelled('four parts', `${token}.${signature}`),
    spelled(
      'five parts (JWE)',
      `${part({ alg: 'dir', enc: 'A256GCM', kid: header.kid })}..${signature.slice(0, 16)}.${body}.AAAA`,
    ),
    spelled(
      'five parts (JWE, RSA-OAEP)',
      `${part({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.${signature}.AAAA.${body}.AAAA`,
    ),
    spelled('five dots', '.....'),
    spelled('two dots', '..'),
    spelled('nothing', ''),
    spelled('twice', `${token},${token}`),
    spelled('with its scheme', `Bearer ${token}`),
    spelled('flattened JSON', JSON.stringify({ protected: head, payload: body, signature })),
    spelled('general JSON', JSON.stringify({ payload: body, signatures: [{ protected: head, signature }] })),
    spelled('8,193 characters', token + 'A'.repeat(8_193 - token.length)),
    spelled('a megabyte', `${head}.${'A'.repeat(1_048_576)}.${signature}`),
    spelled('a megabyte of dots', '.'.repeat(1_048_576)),
    {
      name: 'a megabyte, signed',
      token: real(header, { ...claims, more: 'x'.repeat(1_048_576) }),
      because: 'too_long',
    },
    ...jsonSpellings(header, claims).map(({ name, head: text, body: payload }) => ({
      name,
      token: real(text, payload),
    })),
  ]
}

/** JSON that two parsers read differently, or one reads twice. Signed by the real key: only the spelling is wrong. */
function jsonSpellings(header: object, claims: object) {
  const head = JSON.stringify(header)
  const body = JSON.stringify(claims)
  const twice = (text: string, member: string): string => `${text.slice(0, -1)},${member}}`
  const victim = '"sub":"00000000-0000-7000-8000-000000000000"'
  const bodies: Record<string, string | Buffer> = {
    'sub twice': twice(body, victim),
    'sub twice, the first one foreign': `{${victim},${body.slice(1)}`,
    'sub twice, one behind an escape': twice(body, victim.replace('sub', '\\u0073ub')),
    'exp twice': twice(body, '"exp":9999999999'),
    'aud twice': twice(body, '"aud":"https://evil.example"'),
    'roles twice': twice(body, '"roles":["superadmin"]'),
    'white space in the payload': body.replaceAll(',', ', '),
    'a line end behind the payload': `${body}\n`,
    'exp as 1e400': body.replace(/"exp":\d+/, '"exp":1e400'),
    'exp as 9e9': body.replace(/"exp":\d+/, '"exp":9e9'),
    'exp with a fraction of zero': body.replace(/"exp":(\d+)/, '"exp":$1.0'),
    'iat as -0': body.replace(/"iat":\d+/, '"iat":-0'),
    'a comment': body.replace('{', '{/**/'),
    'a comma too many': body.replace('}', ',}'),
    'a byte order mark': `\ufeff${body}`,
    'a sub that is no UTF-8': Buffer.concat([
      Buffer.from(`${body.slice(0, -1)},"x":"`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]),
    'an overlong slash': Buffer.concat([
      Buffer.from(`${body.slice(0, -1)},"x":"`),
      Buffer.from([0xc0, 0xaf]),
      Buffer.from('"}'),
    ]),
    'half a payload': body.slice(0, 40),
    'deep nesting': '['.repeat(2_500) + ']'.repeat(2_500),
    'UTF-16': Buffer.from(body, 'utf16le'),
  }
  const heads: Record<string, string> = {
    'alg twice': twice(head, '"alg":"none"'),
    'alg twice, none first': `{"alg":"none",${head.slice(1)}`,
    'kid twice': twice(head, '"kid":"/dev/null"'),
    'typ twice': `{"typ":"JWT",${head.slice(1)}`,
    'white space in the header': head.replaceAll(':', ': '),
    'an escape in the header': head.replace('"alg"', '"\\u0061lg"'),
  }
  return [
    ...Object.entries(bodies).map(([name, text]) => ({ name, head, body: text as string })),
    ...Object.entries(heads).map(([name, text]) => ({ name, head: text, body })),
  ]
}

/** Signatures that careless arithmetic accepts: zeros for ES256 (CVE-2022-21449), the neutral point for EdDSA, 1 for RSA. */
export function signatureForgeries({ parts, header, claims, thief }: Forge): Forgery[] {
  const { token, privateKey } = parts
  const input = token.slice(0, token.lastIndexOf('.'))
  const right = signatureOf(privateKey, input)
  const { length } = right
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
  const one = Buffer.alloc(32)
  one[31] = 1
  const edOrder = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex')
  const signatures: Record<string, Buffer> = {
    zeros: Buffer.alloc(length),
    ones: Buffer.alloc(length, 0xff),
    'the number 1': Buffer.concat([Buffer.alloc(length - 1), Buffer.from([1])]),
    'the neutral point': Buffer.concat([Buffer.from([1]), Buffer.alloc(length - 1)]),
    'r = s = order': Buffer.concat([order, order]),
    'r = s = 1': Buffer.concat([one, one]),
    'r = 0': Buffer.concat([Buffer.alloc(32), right.subarray(32)]),
    's = 0': Buffer.concat([right.subarray(0, length - 32), Buffer.alloc(32)]),
    's + order of Ed25519': Buffer.concat([right.subarray(0, length - 32), addLittle(right.subarray(-32), edOrder)]),
    'a zero before': Buffer.concat([Buffer.from([0]), right]),
    'a zero behind': Buffer.concat([right, Buffer.from([0])]),
    'its halves changed about': Buffer.concat([right.subarray(length / 2), right.subarray(0, length / 2)]),
    DER: derOf(right),
    'a kilobyte': Buffer.alloc(1024, 7),
    'the digest alone': Buffer.from(input).subarray(0, 32),
  }
  return [
    ...Object.entries(signatures).map(([name, bytes]) => ({
      name: `signature: ${name}`,
      token: `${input}.${bytes.toString('base64url')}`,
      because: 'signature',
    })),
    {
      name: 'signature: of another payload',
      token: `${input}.${thief(header, claims).split('.')[2]}`,
      because: 'signature',
    },
  ]
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Last characters that decode to the same bytes: base64 leaves two or four bits over. */
function otherLastMarks(text: string): string[] {
  const bytes = Buffer.from(text, 'base64url')
  return alphabet
    .split('')
    .filter((mark) => mark !== text.at(-1) && Buffer.from(text.slice(0, -1) + mark, 'base64url').equals(bytes))
}

function flipped(text: string): string {
  const bytes = Buffer.from(text, 'base64url')
  bytes[bytes.length >> 1]! ^= 1
  return bytes.toString('base64url')
}

function addLittle(a: Buffer, b: Buffer): Buffer {
  const sum = Buffer.alloc(a.length)
  let carry = 0
  for (let at = 0; at < a.length; at++) {
    carry += a[at]! + b[at]!
    sum[at] = carry & 0xff
    carry >>= 8
  }
  return sum
}

/** r and s as the ASN.1 sequence in which OpenSSL writes them. */
function derOf(signature: Buffer): Buffer {
  const integer = (bytes: Buffer): Buffer => {
    const padded = bytes[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes
    return Buffer.concat([Buffer.from([2, padded.length]), padded])
  }
  const both = Buffer.concat([integer(signature.subarray(0, 32)), integer(signature.subarray(32, 64))])
  return Buffer.concat([Buffer.from([0x30, both.length]), both])
}
