import { randomToken } from '@plinth/core'

/** What an invitation's token begins with. */
export const INVITATION = 'inv_'

/** What stands in the link. */
export function newToken(): string {
  return randomToken(INVITATION)
}
