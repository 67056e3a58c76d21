/** The names of this feature's log lines. */
export const authEvents = {
  credentialRefused: 'credential_refused',
  refreshTokenReused: 'refresh_token_reused',
  lastUseNotWritten: 'last_use_not_written',
} as const
