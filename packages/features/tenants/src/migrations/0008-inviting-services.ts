import type { FeatureMigration } from '@plinth/core'

/** Which service asked somebody in, so that it is asked again on the day when he comes. */
export const invitingServicesMigration: FeatureMigration = {
  id: '0008_inviting_services',
  sql: `
-- The id of a service account, or the name of a service of the configuration; null where a person invited.
alter table plinth.invitations add column service_id text;
`,
}
