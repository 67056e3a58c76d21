import { BlockList } from 'node:net'
import { parseAddress, type IpAddress } from './ip-address.ts'

/** The addresses whose `X-Forwarded-*` is believed. */
export interface TrustedProxies {
  readonly none: boolean
  has(address: IpAddress): boolean
}

/** @param ranges addresses and CIDR ranges, as `ipRange()` has read them */
export function trustedProxies(ranges: readonly string[]): TrustedProxies {
  const list = new BlockList()
  for (const range of ranges) {
    const { address, prefix } = parseRange(range)!
    list.addSubnet(address.text, prefix, address.family)
  }
  return { none: ranges.length === 0, has: ({ text, family }) => list.check(text, family) }
}

/** `10.0.0.0/8`, `2001:db8::/32`, or one address. Undefined for what is none. */
export function parseRange(text: string): { readonly address: IpAddress; readonly prefix: number } | undefined {
  const [given = '', bits, ...rest] = text.split('/')
  const address = parseAddress(given)
  if (!address || rest.length > 0) return undefined
  const widest = address.family === 'ipv4' ? 32 : 128
  if (bits === undefined) return { address, prefix: widest }
  if (!/^\d{1,3}$/.test(bits)) return undefined
  // `::ffff:10.0.0.0/104` is 10.0.0.0/8: the address was read as the IPv4 one that it is.
  const prefix = address.family === 'ipv4' && given.includes(':') ? Number(bits) - 96 : Number(bits)
  return prefix >= 0 && prefix <= widest ? { address, prefix } : undefined
}
