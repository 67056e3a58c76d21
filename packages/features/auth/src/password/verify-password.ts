import { verify } from '@node-rs/argon2'
import { defaultCost, needsRehash, nobodysHash, type HashCost } from './hash-cost.ts'
import { processQueue } from './hash-password.ts'
import type { HashQueue } from './hash-queue.ts'
import { preparePassword } from './prepare-password.ts'

/** Hashes of another system, brought along with its users; they are replaced as their owners log in. */
export interface ImportedHash {
  /** What they begin with: `$2b$` for bcrypt, with the library of your choice. */
  readonly prefix: string
  /** @param password as it was typed; whether the function knows more than its first bytes is up to it (bcrypt: 72) */
  readonly verify: (password: string, stored: string) => Promise<boolean>
}

export interface VerifyOptions {
  readonly cost?: HashCost
  readonly imported?: readonly ImportedHash[]
  readonly queue?: HashQueue
}

export interface Verified {
  readonly valid: boolean
  /** The password is right and its hash is not as hashes are made today: store `hashPassword(password)` instead. */
  readonly rehash: boolean
}

/**
 * Compares a password with a stored hash. Without a hash (there is no such user, or he has no password) it computes as much
 * and says no: the time does not tell who is known. What is longer than a password may be is refused without computing,
 * known user or not.
 * @throws unavailable (503) where too many hashes wait
 */
export async function verifyPassword(
  password: string,
  stored: string | undefined,
  { cost = defaultCost, imported = [], queue = processQueue }: VerifyOptions = {},
): Promise<Verified> {
  const bytes = preparePassword(password)
  if (!bytes) return wrong
  if (stored?.startsWith('$argon2')) {
    const valid = await queue.run(() => verify(stored, bytes).catch(() => false))
    return { valid, rehash: valid && needsRehash(stored, cost) }
  }
  const foreign = stored === undefined ? undefined : imported.find(({ prefix }) => stored.startsWith(prefix))
  if (stored !== undefined && foreign) {
    const valid = await queue.run(() => foreign.verify(password, stored))
    return { valid, rehash: valid }
  }
  await queue.run(() => verify(nobodysHash(cost), bytes))
  return wrong
}

const wrong: Verified = Object.freeze({ valid: false, rehash: false })
