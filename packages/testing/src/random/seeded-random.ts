import { createHash } from 'node:crypto'

/** Random choices that come again with the same seed. */
export interface SeededRandom {
  /** From 0 up to, not including, 1. */
  next(): number
  /** A whole number from 0 up to, not including, `below`. */
  below(below: number): number
  /** True in this share of cases. */
  chance(share: number): boolean
  pick<T>(list: readonly T[]): T
  /** Each element with the given chance, in order. */
  some<T>(list: readonly T[], share: number): readonly T[]
  /** A UUID of version 7 in form. */
  uuid(): string
  /** Letters a–z and digits. */
  word(length: number): string
  digits(length: number): string
}

/**
 * sfc32, seeded by SHA-256: neighbouring seeds (`7/1`, `7/2`) share nothing. Not for secrets.
 * @param seed any text; the same one gives the same choices on every machine
 */
export function seededRandom(seed: string | number): SeededRandom {
  const digest = createHash('sha256').update(String(seed)).digest()
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => digest.readInt32LE(at)) as [number, number, number, number]
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return (t >>> 0) / 4_294_967_296
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  const from = (alphabet: string, length: number): string => {
    let text = ''
    while (text.length < length) text += alphabet[below(alphabet.length)]!
    return text
  }
  return {
    next,
    below,
    chance: (share) => next() < share,
    pick(list) {
      if (list.length === 0) throw new RangeError('there is nothing to pick from')
      return list[below(list.length)]!
    },
    some: (list, share) => list.filter(() => next() < share),
    uuid: () => `${from(hex, 8)}-${from(hex, 4)}-7${from(hex, 3)}-${from('89ab', 1)}${from(hex, 3)}-${from(hex, 12)}`,
    word: (length) => from(letters, length),
    digits: (length) => from('0123456789', length),
  }
}

const hex = '0123456789abcdef'
const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'
