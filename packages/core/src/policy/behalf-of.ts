import type { Principal } from '../auth/principal.ts'

/** For whom a principal acts, where that is not himself: a key is in the hand of its holder. */
export function behalfOf({ kind, userId }: Pick<Principal, 'kind' | 'userId'>): string | null {
  return kind === 'user' ? null : userId
}
