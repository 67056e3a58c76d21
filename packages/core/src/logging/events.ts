/** The names of the platform's log lines: searched for by people, alerts and tests, so that none may be mistyped. */
export const logEvents = {
  applicationStarted: 'application_started',
  applicationShuttingDown: 'application_shutting_down',
  applicationStopped: 'application_stopped',
  startupFault: 'startup_fault',
  migrationStep: 'migration_step',
  migrationApplied: 'migration_applied',
  migrationWarning: 'migration_warning',
  databaseVerified: 'database_verified',
  tenantFounded: 'tenant_founded',
  systemAccess: 'system_access',
  requestCompleted: 'request_completed',
  requestFailed: 'request_failed',
  healthCheckFailed: 'health_check_failed',
  sweepInterrupted: 'sweep_interrupted',
  relayInterrupted: 'relay_interrupted',
  relayDeliveryFailed: 'relay_delivery_failed',
  rateLimitStoreAway: 'rate_limit_store_away',
  exportEnded: 'export_ended',
  permissionGranted: 'permission_granted',
  permissionDenied: 'permission_denied',
  afterAnswerFailed: 'after_answer_failed',
  idempotencyReplayed: 'idempotency_replayed',
} as const

export type LogEvent = (typeof logEvents)[keyof typeof logEvents]
