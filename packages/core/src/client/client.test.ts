import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clientOf, type Client } from './client.ts'
import { trustedProxies } from './trusted-proxies.ts'

const proxies = trustedProxies(['10.0.0.0/8', 'fd00::/8'])
const none = trustedProxies([])

function from(address: string | undefined, headers: Record<string, string> = {}, trusted = proxies): Client {
  return clientOf(trusted, new Request('http://host/'), headers, { address })
}
const through = (forwarded: string, proto?: string): Client =>
  from('10.0.0.1', { 'x-forwarded-for': forwarded, ...(proto === undefined ? {} : { 'x-forwarded-proto': proto }) })

describe('clientOf', () => {
  test('without a trusted proxy, the peer is the client and headers say nothing', () => {
    const headers = { 'x-forwarded-for': '198.51.100.9', 'x-forwarded-proto': 'https', 'user-agent': 'a'.repeat(600) }
    const seen = { address: '203.0.113.5', key: '203.0.113.5', own: false, secure: false, userAgent: 'a'.repeat(512) }
    expect(from('203.0.113.5', headers)).toEqual(seen)
    expect(from('::ffff:203.0.113.5', headers)).toEqual(seen)
    expect(from('10.0.0.1', headers, none)).toMatchObject({ address: '10.0.0.1', secure: false })
  })

  test('from the right: the first that is no trusted proxy', () => {
    expect(through('198.51.100.9').address).toBe('198.51.100.9')
    expect(through('6.6.6.6, 198.51.100.9, 10.3.3.3').address).toBe('198.51.100.9')
    expect(through('6.6.6.6,198.51.100.9,fd00::1,10.3.3.3').address).toBe('198.51.100.9')
    expect(through('2001:DB8:0:1::7').key).toBe('2001:db8:0:1::/64')
  })

  test('an address is the client’s own where no unnamed proxy shows', () => {
    expect(from('203.0.113.5').own).toBe(true)
    expect(from('203.0.113.5', {}, none).own).toBe(true)
    for (const name of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'x-forwarded-proto'])
      expect(from('192.168.0.1', { [name]: '' }, none).own, name).toBe(false)
    expect(through('198.51.100.9').own).toBe(true)
    expect(through('198.51.100.9, 10.3.3.3').own).toBe(true)
    // The one that the trusted proxy saw passed on a request of somebody else, or says so.
    expect(through('203.0.113.5, 198.51.100.9').own).toBe(false)
    expect(through('10.9.9.9').own).toBe(false)
    expect(from('10.0.0.1').own).toBe(false)
    expect(from(undefined).own).toBe(false)
  })

  test('some proxies append the port', () => {
    expect(through('198.51.100.9:4711').address).toBe('198.51.100.9')
    expect(through('[2001:db8::7]:4711').address).toBe('2001:db8::7')
    expect(through('[2001:db8::7]').address).toBe('2001:db8::7')
  })

  test('what is no address ends the walk at the last good one', () => {
    for (const odd of ['unknown', '_hidden', '', 'a.b', '999.1.1.1', '198.51.100.9;x', '1'.repeat(99)]) {
      expect(through(odd).address, odd).toBe('10.0.0.1')
      expect(through(`198.51.100.9, ${odd}, 10.3.3.3`).address, odd).toBe('10.3.3.3')
    }
  })

  test('all of them proxies: the outermost', () => {
    expect(through('10.9.9.9, 10.3.3.3').address).toBe('10.9.9.9')
    expect(from('10.0.0.1').address).toBe('10.0.0.1')
  })

  test('the scheme is what the outermost trusted proxy wrote', () => {
    expect(through('198.51.100.9', 'https').secure).toBe(true)
    expect(through('198.51.100.9', 'http').secure).toBe(false)
    expect(through('198.51.100.9, 10.3.3.3', 'https').secure).toBe(true)
    expect(through('198.51.100.9, 10.3.3.3', 'https, http').secure).toBe(true)
    // Forged by the client in front of the one proxy, which appends what it saw.
    expect(through('198.51.100.9', 'https, http').secure).toBe(false)
    expect(through('198.51.100.9').secure).toBe(false)
    const encrypted = clientOf(proxies, new Request('http://host/'), {}, { address: '10.0.0.1', secure: true })
    expect(encrypted.secure).toBe(true)
  })

  test('a peer without an address is one client, no peer is none', () => {
    expect(from(undefined)).toMatchObject({ address: undefined, key: 'unknown' })
    expect(from('?')).toMatchObject({ address: undefined, key: 'unknown' })
    expect(clientOf(proxies, new Request('https://host/'), {})).toMatchObject({ key: undefined, secure: true })
  })

  test('10,000 forged headers: no client becomes another one', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6())
    const entry = fc.oneof(address, fc.string(), fc.constantFrom('10.0.0.1', 'fd00::1', '', 'unknown', '203.0.113.5'))
    const header = fc.array(entry, { maxLength: 40 }).map((entries) => entries.join(', '))
    const outside = fc.constantFrom('203.0.113.5', '::ffff:203.0.113.5')
    fc.assert(
      fc.property(header, outside, (forged, peer) => {
        expect(from(peer, { 'x-forwarded-for': forged, forwarded: `for=${forged}`, 'x-real-ip': forged }).key).toBe(
          '203.0.113.5',
        )
        // Behind a proxy that appends, whatever the client sent before stands further left.
        const appended = forged === '' ? '203.0.113.5' : `${forged}, ${peer}`
        expect(through(appended).key).toBe('203.0.113.5')
        expect(through(`${appended}, 10.7.7.7`).key).toBe('203.0.113.5')
      }),
      { numRuns: 10_000 },
    )
  })
})
