import { generateSecret, verifySync } from 'otplib'

/** What every authenticator app reads; several ignore any other choice in the URI and then show wrong codes. */
const algorithm = 'sha1'
const digits = 6
const period = 30

/**
 * A new secret: 160 random bits (RFC 4226 §4, R6), as 32 characters of base32. Store it sealed.
 * @returns upper case, without padding
 */
export function makeTotpSecret(): string {
  return generateSecret({ length: 20 })
}

/**
 * The time step for which `code` is right (RFC 6238): this one, the one before or the one after, for clocks that differ.
 *
 * A code is taken once (RFC 6238 §5.2). That is the caller's part: store the step in one statement, `… set last_step = $step where
 * last_step is null or last_step < $step returning …`; who gets no row has shown a used code.
 * @param code as typed: spaces are let be, everything else that is not six digits is wrong
 * @param after the last step that was taken; this one and all before are refused
 * @param now the injected clock's
 * @returns undefined where the code is wrong. Never throws for a code, whatever it holds.
 */
export function totpStep(secret: string, code: string, now: Date, after?: number | null): number | undefined {
  const typed = code.length <= 32 ? code.replaceAll(/[\s\u00a0]/g, '') : ''
  // otplib throws at what is no code.
  if (!/^[0-9]{6}$/.test(typed)) return undefined
  const epoch = Math.floor(now.getTime() / 1000)
  const result = verifySync({ secret, token: typed, algorithm, digits, period, epoch, epochTolerance: period })
  if (!result.valid || !('timeStep' in result)) return undefined
  // Not otplib's own `afterTimeStep`: it throws where a clock was set back behind the last step.
  return after == null || result.timeStep > after ? result.timeStep : undefined
}

/**
 * The `otpauth:` URI that apps read from a QR code.
 *
 * A colon parts issuer and account in the label, also behind its escape: the format has no way to write one, so it becomes a
 * space. Otherwise an account `Bank:you` would be shown as one of the bank.
 * @param issuer the service, at most 64 characters are kept
 * @param account the e-mail address or name, at most 128 characters are kept
 */
export function totpUri(parts: { readonly secret: string; readonly issuer: string; readonly account: string }): string {
  const issuer = encodeURIComponent(plain(parts.issuer, 64))
  const account = encodeURIComponent(plain(parts.account, 128))
  const query = `secret=${parts.secret}&issuer=${issuer}&algorithm=${algorithm.toUpperCase()}&digits=${digits}&period=${period}`
  return `otpauth://totp/${issuer}:${account}?${query}`
}

/** One line without colons and halves of characters, which encodeURIComponent throws at. */
function plain(text: string, length: number): string {
  const line = text
    .toWellFormed()
    .replaceAll(/[:\p{Cc}\s]+/gu, ' ')
    .trim()
  return Array.from(line).slice(0, length).join('')
}
