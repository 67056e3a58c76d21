import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isInRanges, readIpRanges } from './ip-ranges.ts'

const read = (...texts: string[]) => {
  const { ranges, faults } = readIpRanges(texts)
  return faults.length > 0 ? faults.map(({ index, message }) => `${index} ${message}`) : ranges
}

describe('readIpRanges', () => {
  test('gives each range in its one spelling', () => {
    expect(read('10.0.0.0/8', '192.0.2.1', '192.0.2.1/32', '0.0.0.0/0')).toEqual([
      '10.0.0.0/8',
      '192.0.2.1',
      '0.0.0.0/0',
    ])
    expect(read('2001:DB8:0:0::/32', '2001:db8::1/128', '::/0', '1:0:0:2::')).toEqual([
      '2001:db8::/32',
      '2001:db8::1',
      '::/0',
      '1:0:0:2::',
    ])
    expect(read('::ffff:10.0.0.0/104', '::FFFF:a00:0/104', '::ffff:192.0.2.1')).toEqual(['10.0.0.0/8', '192.0.2.1'])
    expect(read()).toEqual([])
  })

  test('asks what was meant where bits stand behind the prefix', () => {
    expect(read('10.0.0.0/8', '10.1.2.3/8', '2001:db8::1/64')).toEqual([
      '1 has bits behind its prefix: 10.0.0.0/8 is the range, 10.1.2.3 the address',
      '2 has bits behind its prefix: 2001:db8::/64 is the range, 2001:db8::1 the address',
    ])
  })

  test('refuses what other readers would read as another address', () => {
    const odd = [
      '',
      ' ',
      '10.0.0.0/',
      '/8',
      '10.0.0.0/8/8',
      '10.0.0.0/33',
      '10.0.0.0/-1',
      '10.0.0.0/08',
      '10.0.0.0/8 ',
      ' 10.0.0.0',
      '10.0.0.0/8.0',
      '010.0.0.1',
      '127.1',
      '0x7f.1',
      '2130706433',
      '10.0.0',
      '10.0.0.0.0',
      '256.0.0.1',
      '٣.1.1.1',
      '10.0.0.0/255.0.0.0',
      '::/129',
      '::ffff:10.0.0.0/95',
      '::1.2.3.4',
      'fe80::1%eth0',
      'fe80::%1/10',
      '[::1]',
      '1:2',
      ':::',
      '1:2:3:4:5:6:7:8:9',
      '::g',
      'localhost',
      'example.com',
      '*',
      '10.0.0.*',
      '10.0.0.1-10.0.0.9',
      '1'.repeat(100_000),
    ]
    for (const text of odd)
      expect([text.slice(0, 20), read(text)]).toEqual([
        text.slice(0, 20),
        [expect.stringContaining('0 must be an IP address')],
      ])
    expect(read(...Array.from({ length: 51 }, () => '10.0.0.1'))).toEqual(['50 must be 50 ranges at most'])
  })

  test('never throws, and reads again what it printed', () => {
    const range = fc.oneof(
      fc
        .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 130 }))
        .map(([address, bits]) => `${address}/${bits}`),
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[0-9a-f:./%]{0,20}$/),
    )
    fc.assert(
      fc.property(range, (text) => {
        const { ranges } = readIpRanges([text])
        expect(readIpRanges(ranges)).toEqual({ ranges, faults: [] })
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('isInRanges', () => {
  test('tells by address, whatever its spelling', () => {
    const { ranges } = readIpRanges(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', 'fe80::/10'])
    const inside = [
      '10.0.0.0',
      '10.255.255.255',
      '192.0.2.7',
      '::ffff:10.1.2.3',
      '::FFFF:A01:203',
      '2001:db8:ffff::1',
      '2001:0DB8::',
      'fe80::1%eth0',
    ]
    const outside = [
      '9.255.255.255',
      '11.0.0.0',
      '192.0.2.8',
      '2001:db9::',
      '::1',
      '::10.1.2.3',
      '010.1.2.3',
      '10.1',
      '',
      'x',
      '10.1.2.3/8',
      '10.1.2.3:80',
    ]
    expect(inside.filter((address) => !isInRanges(ranges, address))).toEqual([])
    expect(outside.filter((address) => isInRanges(ranges, address))).toEqual([])
  })

  test('everything of one family is nothing of the other', () => {
    expect([isInRanges(['0.0.0.0/0'], '1.2.3.4'), isInRanges(['0.0.0.0/0'], '::1')]).toEqual([true, false])
    expect([
      isInRanges(['::/0'], '::1'),
      isInRanges(['::/0'], '1.2.3.4'),
      isInRanges(['::/0'], '::ffff:1.2.3.4'),
    ]).toEqual([true, false, false])
  })

  test('fails closed', () => {
    expect(isInRanges([], '10.0.0.1')).toBe(false)
    expect(isInRanges(['', 'x', '10.0.0.0/99'], '10.0.0.1')).toBe(false)
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (address) => !isInRanges(['0.0.0.0/0', '::/0'], `${address}!`)),
    )
  })

  test('agrees with Node, which reads ranges by other code', () => {
    const v4 = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.constant('ipv4' as const))
    const v6 = fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }), fc.constant('ipv6' as const))
    /** What the fault of a range with bits behind its prefix names as the range. */
    const strict = (text: string) => /: (\S+) is the range/.exec(read(text).join())?.[1] ?? text
    const near = (address: string, family: 'ipv4' | 'ipv6') =>
      family === 'ipv4' ? address.replace(/\d+$/, '7') : address.replace(/[0-9a-f]$/i, '1')
    fc.assert(
      fc.property(fc.oneof(v4, v6), fc.oneof(v4, v6), fc.boolean(), ([range, bits, family], [other, , kind], close) => {
        // A mapped range, or one with an IPv4 tail, is read as IPv4 here and not by Node.
        fc.pre(!/:.*\.|^(0*:)*:?ffff:/i.test(range) && !/:.*\.|^(0*:)*:?ffff:/i.test(other))
        const list = new BlockList()
        list.addSubnet(range, bits, family)
        const [address, of] = close ? [near(range, family), family] : [other, kind]
        expect([range, bits, address, isInRanges([strict(`${range}/${bits}`)], address)]).toEqual([
          range,
          bits,
          address,
          of === family && list.check(address, of),
        ])
      }),
      { numRuns: 2_000 },
    )
  })
})
