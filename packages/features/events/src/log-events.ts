/** The names of this feature's log lines. */
export const eventLogEvents = {
  notRead: 'event_not_read',
} as const
