/** The names of this feature's log lines. */
export const auditEvents = {
  sealed: 'audit_sealed',
  notSealed: 'audit_not_sealed',
  broken: 'audit_log_broken',
  unreadable: 'audit_entry_unreadable',
  notRecorded: 'audit_not_recorded',
  refusalsLost: 'audit_refusals_lost',
  exportEnded: 'audit_export_ended',
  handlerFailed: 'audit_handler_failed',
} as const
