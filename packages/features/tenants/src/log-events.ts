/** The names of this feature's log lines: what the operator does to all tenants belongs to none, and so has no event. */
export const tenancyEvents = {
  accountStatusChanged: 'account_status_changed',
  platformFlagsChanged: 'platform_flags_changed',
  platformSettingsChanged: 'platform_settings_changed',
  purgeFailed: 'tenant_purge_failed',
} as const
