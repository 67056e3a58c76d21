import type { FeatureMigration } from '@plinth/core'

/** A key or a service that is gone leaves no entry of the ACL behind. */
export const aclSubjects: FeatureMigration = {
  id: '0007_acl_subjects',
  sql: `
create trigger service_accounts_acl after delete on plinth.service_accounts
  for each row execute function plinth.forget_acl_subject('service', 'id');
create trigger api_keys_acl after delete on plinth.api_keys
  for each row execute function plinth.forget_acl_subject('apiKey', 'id');
`,
}
