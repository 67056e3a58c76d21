import { randomBytes } from 'node:crypto'
import { parseOptions } from '@node-rs/argon2'

/** What a hash costs. Defaults: the first choice of the OWASP cheat sheet and the least that argon2id should have. */
export interface HashCost {
  /** KiB of memory; default 19,456. */
  readonly memory: number
  /** Passes over it; default 2. */
  readonly passes: number
  /** Threads of one hash; default 1. */
  readonly lanes: number
}

export const defaultCost: HashCost = { memory: 19_456, passes: 2, lanes: 1 }

/** Whether a hash was made in another way than today's: by another function, or with another cost. */
export function needsRehash(stored: string, cost: HashCost = defaultCost): boolean {
  if (!stored.startsWith('$argon2id$v=19$')) return true
  try {
    const { memoryCost, timeCost, parallelism } = parseOptions(stored)
    return memoryCost !== cost.memory || timeCost !== cost.passes || parallelism !== cost.lanes
  } catch {
    return true
  }
}

/**
 * The hash of nobody's password, for names that there are not: verifying it takes as long as verifying a real one. It was not
 * computed but drawn, so that there is no password that fits and the first login after the start is not slower.
 */
export function nobodysHash({ memory, passes, lanes }: HashCost): string {
  const base64 = (bytes: number): string => randomBytes(bytes).toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${memory},t=${passes},p=${lanes}$${base64(16)}$${base64(32)}`
}
