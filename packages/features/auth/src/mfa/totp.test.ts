import { createHmac } from 'node:crypto'
import { generateSync } from 'otplib'
import fc from 'fast-check'
import { encode } from 'uqr'
import { describe, expect, test } from 'vitest'
import { qrSvg } from './qr-code.ts'
import { makeTotpSecret, totpStep, totpUri } from './totp.ts'

const at = (seconds: number) => new Date(seconds * 1000)
// 12345678901234567890 of RFC 6238, appendix B.
const rfcSecret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

describe('totpStep', () => {
  test.each([
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ])('at %i it is the code of RFC 6238', (seconds, eight) => {
    expect(totpStep(rfcSecret, eight.slice(2), at(seconds))).toBe(Math.floor(seconds / 30))
  })

  test('takes the step before and the step after, and no further', () => {
    const code = generateSync({ secret: rfcSecret, epoch: 300_000 })
    const taken = [-31, -30, -1, 0, 29, 30, 59, 60].map((shift) => totpStep(rfcSecret, code, at(300_000 + shift)))
    expect(taken).toEqual([undefined, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, undefined])
  })

  test('tells the step, so that a code, and those before it, are good once', () => {
    const code = generateSync({ secret: rfcSecret, epoch: 300_000 })
    const step = totpStep(rfcSecret, code, at(300_000), null)
    expect(step).toBe(10_000)
    expect(totpStep(rfcSecret, code, at(300_001), step)).toBeUndefined()
    expect(totpStep(rfcSecret, generateSync({ secret: rfcSecret, epoch: 299_970 }), at(300_001), step)).toBeUndefined()
    expect(totpStep(rfcSecret, generateSync({ secret: rfcSecret, epoch: 300_030 }), at(300_030), step)).toBe(10_001)
    // The clock was set back by an hour: nothing is taken, and nothing is thrown.
    expect(totpStep(rfcSecret, generateSync({ secret: rfcSecret, epoch: 296_400 }), at(296_400), step)).toBeUndefined()
  })

  test('reads a code as people type it, and nothing else as a code', () => {
    const now = at(59)
    for (const typed of ['287082', ' 287082', '287 082', '287\u00a0082 '])
      expect(totpStep(rfcSecret, typed, now)).toBe(1)
    const wrong = [
      '',
      '28708',
      '2870822',
      '94287082',
      '287-082',
      '+287082',
      '287082.0',
      '0x4616a',
      '２８７０８２',
      '287082\u0000',
    ]
    for (const typed of wrong) expect(totpStep(rfcSecret, typed, now)).toBeUndefined()
    expect(totpStep(rfcSecret, ' '.repeat(100_000) + '287082', now)).toBeUndefined()
  })

  test('agrees with node:crypto on any secret, and never throws at a code', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 4_000_000_000 }), (seconds) => {
        const secret = makeTotpSecret()
        const counter = Buffer.alloc(8)
        counter.writeBigUInt64BE(BigInt(Math.floor(seconds / 30)))
        const mac = createHmac('sha1', base32(secret)).update(counter).digest()
        const number = (mac.readUInt32BE(mac[19]! & 15) & 0x7fffffff) % 1_000_000
        expect(totpStep(secret, String(number).padStart(6, '0'), at(seconds))).toBe(Math.floor(seconds / 30))
      }),
      { numRuns: 50 },
    )
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (code) => totpStep(rfcSecret, code, at(59)) !== 0))
  })
})

describe('makeTotpSecret', () => {
  test('has 160 bits in base32', () => {
    const secrets = Array.from({ length: 50 }, makeTotpSecret)
    for (const secret of secrets) expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(new Set(secrets).size).toBe(50)
  })
})

describe('totpUri', () => {
  const read = (uri: string) => {
    const { protocol, host, pathname, searchParams } = new URL(uri)
    return { protocol, host, label: decodeURIComponent(pathname.slice(1)), ...Object.fromEntries(searchParams) }
  }

  test('is what apps read', () => {
    expect(totpUri({ secret: rfcSecret, issuer: 'Söhne & Co/2', account: 'zoë+a b@example.com' })).toBe(
      `otpauth://totp/S%C3%B6hne%20%26%20Co%2F2:zo%C3%AB%2Ba%20b%40example.com?secret=${rfcSecret}` +
        '&issuer=S%C3%B6hne%20%26%20Co%2F2&algorithm=SHA1&digits=6&period=30',
    )
  })

  test('keeps issuer, account and secret apart, whatever they hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (issuer, account) => {
        const uri = read(totpUri({ secret: rfcSecret, issuer, account }))
        expect(uri).toMatchObject({ protocol: 'otpauth:', host: 'totp', secret: rfcSecret, digits: '6' })
        expect(uri.label.split(':')).toHaveLength(2)
        expect(Object.keys(uri).sort()).toEqual('algorithm digits host issuer label period protocol secret'.split(' '))
      }),
    )
    expect(read(totpUri({ secret: rfcSecret, issuer: '\ud800', account: 'a\udc00' })).label).toBe('\ufffd:a\ufffd')
    expect(read(totpUri({ secret: rfcSecret, issuer: 'Acme', account: 'Bank: you' })).label).toBe('Acme:Bank you')
    expect(totpUri({ secret: rfcSecret, issuer: '😀'.repeat(500), account: 'a'.repeat(5_000) }).length).toBeLessThan(
      1_200 * 2,
    )
  })
})

describe('qrSvg', () => {
  test('draws the modules that uqr computes, and no text', () => {
    const uri = totpUri({ secret: rfcSecret, issuer: '"><script>alert(1)</script>', account: "' onload='x" })
    const svg = qrSvg(uri)
    const { data, size } = encode(uri, { ecc: 'M', border: 4 })
    const drawn = data.map((row) => row.map(() => false))
    for (const [, x, y, length] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1/g))
      for (let step = 0; step < Number(length); step++) drawn[Number(y)]![Number(x) + step] = true
    expect(drawn).toEqual(data)
    expect(svg).toMatch(
      /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 \d+ \d+" [a-zA-Z ="-]+><path fill="#fff"/,
    )
    expect(svg).toContain(`viewBox="0 0 ${size} ${size}"`)
    expect(svg).not.toMatch(/script|onload|&|secret/)
    expect(svg.length).toBeLessThan(20_000)
    expect(() => qrSvg('x'.repeat(1_201))).toThrow(RangeError)
  })

  test('has room for the longest URI', () => {
    const uri = totpUri({ secret: rfcSecret, issuer: 'x'.repeat(99), account: `${'ö'.repeat(99)}@example.com` })
    expect(qrSvg(uri)).toMatch(/<\/svg>$/)
  })
})

function base32(text: string): Buffer {
  const bits = Array.from(text, (mark) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(mark).toString(2).padStart(5, '0'),
  ).join('')
  return Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)))
}
