import { StartupError } from '../errors/startup-error.ts'
import type { Secrets } from '../ports/secrets.ts'
import type { Environment } from '../settings/define-settings.ts'
import { developmentKeys } from './development-keys.ts'
import { keyCommand, type KeyRing } from './key-ring.ts'
import { openText, sealText } from './seal-text.ts'
import { sign, verify } from './sign-text.ts'

/** The port Secrets over a key ring. */
export function keyRingSecrets(ring: KeyRing): Secrets {
  return {
    sign: (purpose, text) => sign(ring, purpose, text),
    verify: (purpose, text, signature) => verify(ring, purpose, text, signature),
    seal: (text, context) => sealText(ring, text, context),
    open: (sealed, context) => openText(ring, sealed, context),
  }
}

/**
 * The key ring that the settings name; in development, where none is named, the one of this machine.
 * @throws StartupError where there is none outside development: keys made on the spot would differ between processes, and
 *   what they sealed would not open after the next start
 */
export function keyRingOf(settings: {
  readonly ENVIRONMENT: Environment
  readonly SECRET_KEYS?: KeyRing | undefined
  readonly DATA_DIR: string
}): KeyRing {
  if (settings.SECRET_KEYS) return settings.SECRET_KEYS
  if (settings.ENVIRONMENT === 'development') return developmentKeys(settings.DATA_DIR)
  throw new StartupError([
    { path: 'SECRET_KEYS', problem: `is not set where ENVIRONMENT is ${settings.ENVIRONMENT}`, fix: keyCommand },
  ])
}
