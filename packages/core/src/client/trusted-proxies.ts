import { BlockList } from 'node:net'
import type { IpAddress } from './ip-address.ts'
import { readIpRange } from './ip-range.ts'

/** The addresses whose `X-Forwarded-*` is believed. */
export interface TrustedProxies {
  readonly none: boolean
  has(address: IpAddress): boolean
}

/** @param ranges addresses and CIDR ranges, as `ipRange()` has read them */
export function trustedProxies(ranges: readonly string[]): TrustedProxies {
  const list = new BlockList()
  for (const range of ranges) {
    const read = readIpRange(range)
    if (typeof read === 'string') throw new Error(`${range} ${read}`)
    const { address, prefix } = read
    list.addSubnet(address.text, prefix, address.family)
  }
  return { none: ranges.length === 0, has: ({ text, family }) => list.check(text, family) }
}
