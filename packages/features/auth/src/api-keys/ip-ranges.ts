import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** What is wrong with one of the given ranges: its place, and words for whoever wrote it. */
export interface IpRangeFault {
  readonly index: number
  readonly message: string
}

type Address = ReturnType<typeof ipaddr.parse>
type Range = readonly [address: Address, prefix: number]

const maximumRanges = 50

/**
 * Reads a list of addresses and CIDR ranges (RFC 4632, RFC 4291 §2.3), as an API key is limited to.
 * @returns each in its one spelling: RFC 5952, the first address of the range, one address without `/32` or `/128`, IPv4 inside
 *   IPv6 as IPv4, none twice; or the faults
 */
export function readIpRanges(texts: readonly string[]): { ranges: string[]; faults: IpRangeFault[] } {
  if (texts.length > maximumRanges) {
    return { ranges: [], faults: [{ index: maximumRanges, message: `must be ${maximumRanges} ranges at most` }] }
  }
  const ranges = new Set<string>()
  const faults: IpRangeFault[] = []
  texts.forEach((text, index) => {
    const range = parseRange(text)
    if (!range) {
      faults.push({ index, message: 'must be an IP address or a range such as 10.0.0.0/8 or 2001:db8::/32' })
      return
    }
    const network = firstOf(range)
    // 10.1.2.3/8 is sixteen million addresses, and was perhaps meant as one.
    if (textOf(network) === textOf(range[0])) ranges.add(print(range))
    else {
      const [whole, one] = [print([network, range[1]]), textOf(range[0])]
      faults.push({ index, message: `has bits behind its prefix: ${whole} is the range, ${one} the address` })
    }
  })
  return faults.length > 0 ? { ranges: [], faults } : { ranges: [...ranges], faults }
}

/**
 * Whether an address is in one of the ranges that {@link readIpRanges} gave. IPv4 inside IPv6 counts as IPv4, a zone
 * (`fe80::1%eth0`) counts for nothing, and no range of one family holds an address of the other.
 *
 * Fails closed: false for what is no address, for a range that is none, and for an empty list. A key that is not limited has no
 * list, which is the caller's to know.
 */
export function isInRanges(ranges: readonly string[], address: string): boolean {
  const found = parseAddress(address.split('%', 1)[0]!)
  if (!found) return false
  return ranges.some((text) => {
    const range = parseRange(text)
    return range !== undefined && range[0].kind() === found.kind() && found.match([range[0], range[1]])
  })
}

/**
 * Node decides what an address is: ipaddr.js alone also reads `010.0.0.1` (as 8.0.0.1), `127.1` and `0x7f.1`, and takes
 * `::1.2.3.4` for `::ffff:1.2.3.4`. IPv4 inside IPv6 becomes IPv4.
 */
function parseAddress(text: string): Address | undefined {
  if (text.length > 45 || text.includes('%') || isIP(text) === 0) return undefined
  if (text.includes(':') && text.includes('.') && !/:ffff:[\d.]+$/i.test(text)) return undefined
  return ipaddr.process(text)
}

function parseRange(text: string): Range | undefined {
  const [given = '', bits, ...rest] = text.length > 49 ? [] : text.split('/')
  const address = parseAddress(given)
  if (!address || rest.length > 0) return undefined
  const widest = address.kind() === 'ipv4' ? 32 : 128
  if (bits === undefined) return [address, widest]
  if (!/^(0|[1-9]\d{0,2})$/.test(bits)) return undefined
  // `::ffff:10.0.0.0/104` is 10.0.0.0/8, and one below 96 reaches beyond IPv4.
  const prefix = address.kind() === 'ipv4' && given.includes(':') ? Number(bits) - 96 : Number(bits)
  return prefix >= 0 && prefix <= widest ? [address, prefix] : undefined
}

/** The first address of the range: all bits behind the prefix are zero. */
function firstOf([address, prefix]: Range): Address {
  const bytes = address.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefix - 8 * index))
    return byte & (0xff00 >> kept)
  })
  return ipaddr.fromByteArray(bytes)
}

function print([address, prefix]: Range): string {
  const widest = address.kind() === 'ipv4' ? 32 : 128
  return prefix === widest ? textOf(address) : `${textOf(address)}/${prefix}`
}

const textOf = (address: Address): string =>
  'toRFC5952String' in address ? address.toRFC5952String() : address.toString()
