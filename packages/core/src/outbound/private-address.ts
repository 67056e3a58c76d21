import { BlockList, isIP } from 'node:net'

/**
 * Which addresses belong to the world and which to somebody's inside. Whoever may name an URL that a server fetches may
 * otherwise read what only that server reaches: the cloud's metadata at 169.254.169.254, an admin page on 127.0.0.1.
 */
const reserved = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8], // this host: 0.0.0.0 connects to 127.0.0.1 on Linux
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT, and the metadata of some clouds
  ['127.0.0.0', 8],
  ['168.63.129.16', 32], // what a cloud's machines ask for their own settings
  ['169.254.0.0', 16], // link-local; the metadata of most clouds
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, with 255.255.255.255
] as const) {
  reserved.addSubnet(network, bits, 'ipv4')
}
for (const [network, bits] of [
  ['2001::', 23], // Teredo and other protocols that carry an IPv4 address inside
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4: carries an IPv4 address inside
  ['3fff::', 20],
] as const) {
  reserved.addSubnet(network, bits, 'ipv6')
}

/** Outside of this block IPv6 has no public hosts: ::1, fc00::/7, fe80::/10, mapped (::ffff:…) and NAT64 forms of IPv4. */
const publicIpv6 = new BlockList()
publicIpv6.addSubnet('2000::', 3, 'ipv6')

/** Is it an address that the whole internet may reach? What is no address is not. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !reserved.check(address, 'ipv4')
  if (family === 6)
    return !address.includes('%') && publicIpv6.check(address, 'ipv6') && !reserved.check(address, 'ipv6')
  return false
}

/**
 * Does this host of a parsed URL lead inside, as far as its text tells? `URL` has already turned decimal, octal and hex
 * forms of an address into the usual one. A name may still resolve to a private address, now or tomorrow: what it resolves
 * to is checked when it is connected to.
 */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
  if (isIP(host) !== 0) return !isPublicAddress(host)
  // A name without a dot, and these endings, mean something only in somebody's own network.
  return !host.includes('.') || /\.(?:localhost|local|localdomain|internal|intranet|lan|corp|home\.arpa)$/.test(host)
}
