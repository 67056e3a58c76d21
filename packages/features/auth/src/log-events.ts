/** The names of this feature's log lines. */
export const authEvents = {
  credentialRefused: 'credential_refused',
  refreshTokenReused: 'refresh_token_reused',
  passkeyRefused: 'passkey_refused',
  passkeyCopied: 'passkey_copied',
  lastUseNotWritten: 'last_use_not_written',
} as const
