/** The names of the platform's log lines: searched for by people, alerts and tests, so that none may be mistyped. */
export const logEvents = {
  applicationStarting: 'application_starting',
  applicationStarted: 'application_started',
  applicationShuttingDown: 'application_shutting_down',
  applicationStopped: 'application_stopped',
  startupFault: 'startup_fault',
  settingsReloaded: 'settings_reloaded',
  databaseInitialized: 'database_initialized',
  migrationApplied: 'migration_applied',
  tenantFounded: 'tenant_founded',
  tenantContextEstablished: 'tenant_context_established',
  systemAccess: 'system_access',
  requestCompleted: 'request_completed',
  requestFailed: 'request_failed',
  idempotencyReplayed: 'idempotency_replayed',
  relayDeliveryFailed: 'relay_delivery_failed',
} as const

export type LogEvent = (typeof logEvents)[keyof typeof logEvents]
