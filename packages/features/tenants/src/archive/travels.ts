import type { Travels } from '@plinth/core'
import { sealContext } from '../settings/effective.ts'

/** Which rows of this feature go along when a tenant moves. */
export const travels: Travels = {
  // The link of an open invitation leads to the old platform: whoever was invited is invited again.
  'plinth.invitations': { users: ['user_id'], leaves: ['token_hash'] },
  // What the DNS proved, it proved to another platform. Until it proves it again nobody joins by his address.
  'plinth.domains': { leaves: ['token', 'verified_at', 'auto_join'] },
  'plinth.verified_domains': { stays: 'a domain is proven to each platform anew' },
  'plinth.parted_members': { stays: 'who left is not among the people of an archive' },
  'plinth.settings': {
    sealed: {
      column: 'sealed',
      context: (tenantId, { key, user_id: userId = null }) =>
        sealContext(userId === null ? 'tenant' : 'user', key ?? '', { tenantId, userId }),
    },
  },
}
