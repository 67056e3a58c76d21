import { isInRange, parseAddress, readIpRange } from '@plinth/core'

/** What is wrong with one of the given ranges: its place, and words for whoever wrote it. */
export interface IpRangeFault {
  readonly index: number
  readonly message: string
}

const maximumRanges = 50

/**
 * Reads the list of addresses and ranges to which an API key is limited.
 * @returns each in its one spelling, none twice; or the faults
 */
export function readIpRanges(texts: readonly string[]): { ranges: string[]; faults: IpRangeFault[] } {
  if (texts.length > maximumRanges) {
    return { ranges: [], faults: [{ index: maximumRanges, message: `must be ${maximumRanges} ranges at most` }] }
  }
  const read = texts.map(readIpRange)
  const faults = read.flatMap((range, index) => (typeof range === 'string' ? [{ index, message: range }] : []))
  if (faults.length > 0) return { ranges: [], faults }
  return { ranges: [...new Set(read.flatMap((range) => (typeof range === 'string' ? [] : [range.text])))], faults }
}

/**
 * Whether an address is in one of the ranges that {@link readIpRanges} gave.
 *
 * Fails closed: false for what is no address, for a range that is none, and for an empty list. A key that is not limited has no
 * list, which is the caller's to know.
 */
export function isInRanges(ranges: readonly string[], address: string): boolean {
  const found = parseAddress(address)
  if (!found) return false
  return ranges.some((text) => {
    const range = readIpRange(text)
    return typeof range !== 'string' && isInRange(range, found)
  })
}
