import { isIP } from 'node:net'

/** An IP address in its one spelling: many texts name the same one, and what compares or counts must see one. */
export interface IpAddress {
  readonly family: 'ipv4' | 'ipv6'
  /** RFC 5952, without a zone; `::ffff:192.0.2.1` is `192.0.2.1`. */
  readonly text: string
  /** Who is counted as one: an IPv4 address, or the /64 of an IPv6 one, since whoever has one address there has them all. */
  readonly key: string
}

/** Undefined for what is no address: leading zeros (octal to some), names, ports. */
export function parseAddress(given: string): IpAddress | undefined {
  const family = isIP(given)
  if (family === 4) return { family: 'ipv4', text: given, key: given }
  if (family === 0) return undefined
  // The zone (`fe80::1%eth0`) names an interface of this machine and is chosen by whoever writes the text.
  const zone = given.indexOf('%')
  const text = new URL(`http://[${zone < 0 ? given : given.slice(0, zone)}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text)
  if (mapped) return ofIpv4(Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16))
  return { family: 'ipv6', text, key: `${networkOf(text)}::/64` }
}

function ofIpv4(high: number, low: number): IpAddress {
  const text = `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  return { family: 'ipv4', text, key: text }
}

/** The first four groups, none left out. */
function networkOf(text: string): string {
  const [left = '', right] = text.split('::')
  const before = left === '' ? [] : left.split(':')
  const after = right === undefined || right === '' ? [] : right.split(':')
  const between = Array.from({ length: right === undefined ? 0 : 8 - before.length - after.length }, () => '0')
  return [...before, ...between, ...after].slice(0, 4).join(':')
}
