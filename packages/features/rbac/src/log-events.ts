/** The names of this feature's log lines. */
export const rbacLogEvents = {
  defaultPoliciesCreated: 'default_rbac_policies_created',
  rolePolicyUpdated: 'role_policy_updated',
} as const
