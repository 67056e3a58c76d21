import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAddress } from './ip-address.ts'
import { readIpRange } from './ip-range.ts'
import { trustedProxies } from './trusted-proxies.ts'

const groups = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 })
const hex = (group: number): string => group.toString(16)

/** One address, written in many ways. */
function spellings(address: readonly number[]): string[] {
  const plain = address.map(hex)
  const padded = plain.map((group) => group.padStart(4, '0'))
  const dotted = [6, 7].map((at) => `${address[at]! >> 8}.${address[at]! & 255}`).join('.')
  const all = [
    plain.join(':'),
    padded.join(':'),
    plain.join(':').toUpperCase(),
    [...plain.slice(0, 6), dotted].join(':'),
  ]
  // Any one run of zeros may be left out.
  for (let from = 0; from < 8; from += 1) {
    for (let to = from + 1; to <= 8 && address[to - 1] === 0; to += 1) {
      all.push(`${plain.slice(0, from).join(':')}::${plain.slice(to).join(':')}`)
    }
  }
  return all.flatMap((text) => [text, `${text}%eth0`])
}

describe('parseAddress', () => {
  test('every spelling of an IPv6 address is one text and one key', () => {
    const sparse = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(fc.oneof(groups, sparse), (address) => {
        const read = spellings(address).map((text) => parseAddress(text))
        expect(new Set(read.map((one) => one?.text)).size).toBe(1)
        expect(new Set(read.map((one) => one?.key)).size).toBe(1)
      }),
    )
  })

  test('one /64 is one key, two are two', () => {
    fc.assert(
      fc.property(groups, groups, (a, b) => {
        const at = (network: readonly number[], host: readonly number[]): string | undefined =>
          parseAddress([...network.slice(0, 4), ...host.slice(4)].map(hex).join(':'))?.key
        expect(at(a, b)).toBe(at(a, a))
        const other = [...a.slice(0, 3), a[3]! ^ 1]
        expect(at(other, a)).not.toBe(at(a, a))
      }),
    )
  })

  test('an IPv4 address in IPv6 clothes is that IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        const [a, b, c, d] = text.split('.').map(Number) as [number, number, number, number]
        const mapped = [`::ffff:${text}`, `::FFFF:${hex(a * 256 + b)}:${hex(c * 256 + d)}`, `0:0:0:0:0:ffff:${text}`]
        for (const one of mapped) expect(parseAddress(one)).toEqual({ family: 'ipv4', text, key: text })
      }),
    )
  })

  test.each([
    '',
    ' ',
    '010.0.0.1',
    '1.2.3',
    '1.2.3.4:80',
    '[::1]',
    'localhost',
    '1.2.3.4 ',
    '::1::',
    '0x7f.1',
    '2130706433',
  ])('%j is no address', (text) => expect(parseAddress(text)).toBeUndefined())
})

describe('trustedProxies', () => {
  test('ranges of both families, the mapped form included', () => {
    const proxies = trustedProxies(['10.0.0.0/8', '::ffff:192.168.0.0/112', '2001:db8::/32', '::1', '203.0.113.7'])
    const has = (text: string): boolean => proxies.has(parseAddress(text)!)
    for (const text of ['10.255.0.1', '::ffff:10.0.0.1', '192.168.3.4', '2001:db8:ffff::1', '::1', '203.0.113.7'])
      expect(has(text), text).toBe(true)
    for (const text of ['11.0.0.1', '192.169.0.1', '2001:db9::1', '::2', '203.0.113.8', '127.0.0.1'])
      expect(has(text), text).toBe(false)
  })

  test.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', '::/129', '::ffff:10.0.0.0/8', 'all'])(
    '%j is no range',
    (text) => expect(readIpRange(text)).toMatch(/^must be an IP address/),
  )
})
