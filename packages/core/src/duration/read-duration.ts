const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const
const NAMES = { s: 'second', m: 'minute', h: 'hour', d: 'day' } as const
type Unit = keyof typeof SECONDS

/**
 * A length of time as people write it in a declaration: a whole number above 0 and one unit, `30s`, `10m`, `12h`, `7d`.
 * @returns seconds; undefined for anything else, and for more than a hundred years
 */
export function readDuration(text: unknown): number | undefined {
  const found = typeof text === 'string' ? /^([1-9][0-9]{0,8})([smhd])$/.exec(text) : null
  if (!found) return undefined
  const seconds = Number(found[1]) * SECONDS[found[2] as Unit]
  return seconds <= 36_525 * SECONDS.d ? seconds : undefined
}

/** The same in words, in the largest unit in which it is a whole number: `10 minutes`. */
export function durationInWords(seconds: number): string {
  const unit = (['d', 'h', 'm'] as const).find((one) => seconds % SECONDS[one] === 0) ?? 's'
  const count = seconds / SECONDS[unit]
  return `${count} ${NAMES[unit]}${count === 1 ? '' : 's'}`
}
