import { hash } from '@node-rs/argon2'
import { problem } from '@plinth/core'
import { defaultCost, type HashCost } from './hash-cost.ts'
import { HashQueue } from './hash-queue.ts'
import { preparePassword } from './prepare-password.ts'

/** Where the hashes of a process queue up, whoever asks for them: the bound is the machine's. */
export const processQueue = new HashQueue()

/**
 * Hashes a password with argon2id and a new salt. Judges nothing but the length: see `passwordPolicy`.
 * @returns a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$…`
 * @throws validation_failed with `password_too_long` beyond 1,024 bytes; unavailable (503) where too many hashes wait
 */
export async function hashPassword(
  password: string,
  cost: HashCost = defaultCost,
  queue: HashQueue = processQueue,
): Promise<string> {
  const bytes = preparePassword(password)
  if (!bytes) throw problem('validation_failed', { errors: [tooLong('/password')] })
  // The algorithm is the library's default, argon2id; its enum is a `const enum`, which leaves nothing to import at run time.
  return queue.run(() => hash(bytes, { memoryCost: cost.memory, timeCost: cost.passes, parallelism: cost.lanes }))
}

export const tooLong = (path: string) =>
  ({ path, code: 'password_too_long', message: 'Password must be text of at most 1,024 bytes' }) as const
