import { without, type Forge, type Forgery, type Members } from './forge.ts'

/** Claims that are missing, of another type, or wrong; all under the right header and signed by the real key. */
export function claimForgeries({ parts, header, claims, real }: Forge): Forgery[] {
  const { now } = parts
  const { iss, aud, sub, sid } = claims as { iss: string; aud: string; sub: string; sid: string }
  const forged = (name: string, changed: Members, because: string): Forgery => ({
    name,
    token: real(header, { ...claims, ...changed }),
    because,
  })
  const each = (claim: string, values: readonly unknown[], because: string): Forgery[] =>
    values.map((value) => forged(`${claim} ${JSON.stringify(value)?.slice(0, 60)}`, { [claim]: value }, because))
  return [
    ...['iss', 'aud', 'sub', 'tenant_id', 'role', 'roles', 'sid', 'iat', 'exp', 'jti'].map((claim) => ({
      name: `no ${claim}`,
      token: real(header, without(claims, claim)),
      because: 'claims',
    })),
    ...each(
      'iss',
      ['https://evil.example', `${iss}/`, iss.toUpperCase(), `${iss}.evil.example`, '', `${iss}\u0000`],
      'issuer',
    ),
    ...each('iss', [null, 1, [iss], { iss }], 'claims'),
    ...each('aud', ['https://evil.example', `${aud}/`, aud.toUpperCase(), '', `${aud} `, '*'], 'audience'),
    ...each('aud', [null, 1, [aud], [aud, 'https://evil.example'], [], { aud }], 'claims'),
    forged('expired an hour ago', { iat: now - 7200, exp: now - 3600 }, 'expired'),
    forged('expired this second', { iat: now - 3600, exp: now }, 'expired'),
    forged('issued in an hour', { iat: now + 3600, exp: now + 7200 }, 'not_yet_valid'),
    forged('valid in an hour', { nbf: now + 3600 }, 'not_yet_valid'),
    forged('expires before it was issued', { iat: now, exp: now - 1 }, 'claims'),
    ...each('exp', [String(now + 60), null, true, [now + 60], -1, 0, now + 60.5, 2 ** 53, 1e20, 9e99, {}], 'claims'),
    ...each('iat', [String(now), null, false, [now], -1, now - 0.5, 2 ** 60, {}], 'claims'),
    ...each('nbf', [String(now), null, [now], -1, 1e20, ''], 'claims'),
    ...each('sub', wrongIds(sub), 'claims'),
    ...each('sid', wrongIds(sid), 'claims'),
    ...each('tenant_id', ['*', '', 0, [], 'default', {}, true, `${sub}'`], 'claims'),
    ...each('role', [1, [], {}, true], 'claims'),
    ...each('roles', ['superadmin', null, { 0: 'superadmin' }, [1], [null], [['superadmin']], { length: 1 }], 'claims'),
    ...each('jti', ['', 1, null, [], 'x'.repeat(3_000), '../x', `${'a'.repeat(22)}\n`], 'claims'),
    ...['null', '1', '""', '[]', '{}', 'true', `[${JSON.stringify(claims)}]`].map((text) => ({
      name: `payload ${text.slice(0, 20)}`,
      token: real(header, text),
      because: 'claims',
    })),
    forged('claims of a prototype', { sub: null, ['constructor']: { prototype: { sub } } }, 'claims'),
    {
      name: 'claims of __proto__ alone',
      token: real(header, `{"__proto__":${JSON.stringify(claims)}}`),
      because: 'claims',
    },
    {
      name: 'a refresh token that is a JWT of ours',
      token: real({ ...header, typ: 'rt+jwt' }, { ...claims, scope: 'refresh' }),
      because: 'type',
    },
    {
      name: 'a token between password and second factor that is a JWT of ours',
      token: real({ ...header, typ: 'mfa+jwt' }, { ...without(claims, 'sid'), amr: ['pwd'] }),
      because: 'type',
    },
  ]
}

function wrongIds(id: string): unknown[] {
  return [
    '',
    'admin',
    null,
    0,
    1e21,
    true,
    [id],
    { id },
    ` ${id}`,
    `${id}\n`,
    `${id}\u0000`,
    `${id}'`,
    id.toUpperCase().replace(/-/, '_'),
    `{${id}}`,
    id.replaceAll('-', ''),
    id.replace(/^./, '\uff11'),
    id.replace(/-/, '\u2010'),
    'a'.repeat(3_000),
    '\ud800',
    `urn:uuid:${id}`,
  ]
}
