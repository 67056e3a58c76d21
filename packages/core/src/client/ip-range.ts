import { parseAddress, type IpAddress } from './ip-address.ts'

/** The addresses that begin with the first `prefix` bits of this one. */
export interface IpRange {
  /** The first of them. */
  readonly address: IpAddress
  readonly prefix: number
  /** Its one spelling: one address without `/32` or `/128`. */
  readonly text: string
}

/** No range is longer: `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128`. */
const LONGEST = 49

/**
 * `10.0.0.0/8`, `2001:db8::/32` (RFC 4632, RFC 4291 §2.3), or one address. IPv4 inside IPv6 is IPv4: `::ffff:10.0.0.0/104` is
 * `10.0.0.0/8`. What other readers would take for something else is none: leading zeros, zones, an IPv4 tail behind anything else.
 * @returns the range, or words for whoever wrote it
 */
export function readIpRange(text: string): IpRange | string {
  const none = 'must be an IP address or a range such as 10.0.0.0/8 or 2001:db8::/32'
  const [given = '', bits, ...rest] = text.length > LONGEST ? [] : text.split('/')
  if (given.includes('%') || (given.includes(':') && given.includes('.') && !/:ffff:[\d.]+$/i.test(given))) return none
  const address = parseAddress(given)
  if (!address || rest.length > 0) return none
  const widest = address.family === 'ipv4' ? 32 : 128
  if (bits !== undefined && !/^(0|[1-9]\d{0,2})$/.test(bits)) return none
  // One below 96 reaches beyond IPv4.
  const shift = address.family === 'ipv4' && given.includes(':') ? 96 : 0
  const prefix = bits === undefined ? widest : Number(bits) - shift
  if (prefix < 0 || prefix > widest) return none
  const first = firstOf(address, prefix)
  const whole = prefix === widest ? first.text : `${first.text}/${prefix}`
  // 10.1.2.3/8 is sixteen million addresses, and was perhaps meant as one.
  if (first.text !== address.text)
    return `has bits behind its prefix: ${whole} is the range, ${address.text} the address`
  return { address, prefix, text: whole }
}

/** No range of one family holds an address of the other. */
export function isInRange({ address: first, prefix }: IpRange, address: IpAddress): boolean {
  return first.family === address.family && firstOf(address, prefix).text === first.text
}

/** All bits behind the prefix are zero. */
function firstOf(address: IpAddress, prefix: number): IpAddress {
  const width = address.family === 'ipv4' ? 8 : 16
  const parts = partsOf(address).map((part, at) => {
    const kept = Math.min(width, Math.max(0, prefix - width * at))
    return part & (((1 << kept) - 1) << (width - kept))
  })
  const text = address.family === 'ipv4' ? parts.join('.') : parts.map((part) => part.toString(16)).join(':')
  return parseAddress(text)!
}

/** Four bytes, or eight groups of sixteen bits. */
function partsOf({ family, text }: IpAddress): readonly number[] {
  if (family === 'ipv4') return text.split('.').map(Number)
  const [left = '', right] = text.split('::')
  const groups = (side: string): readonly string[] => (side === '' ? [] : side.split(':'))
  const [before, after] = [groups(left), groups(right ?? '')]
  const between = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...between, ...after].map((group) => Number.parseInt(group, 16))
}
