import type { Travels } from '@plinth/core'

/** Nothing by which anybody signs in leaves the platform: whoever has the file would be everybody in it. */
export const travels: Travels = {
  'plinth.sessions': { stays: 'credentials: people sign in anew' },
  'plinth.api_keys': { stays: 'credentials: keys are made anew' },
  // Their roles arrive by `user_roles`, whose trigger copies them and counts the version on.
  'plinth.service_accounts': { leaves: ['roles'], settles: ['version', 'updated_at'] },
}
