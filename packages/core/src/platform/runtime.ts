import { trustedProxies, type TrustedProxies } from '../client/trusted-proxies.ts'
import { StartupError, type StartupFault } from '../errors/startup-error.ts'
import { keyRingOf, keyRingSecrets } from '../keys/key-ring-secrets.ts'
import { platformLogger } from '../logging/platform-logger.ts'
import { loadPlatformSettings, type PlatformSettings } from '../settings/platform-settings.ts'
import { urlPrefix } from '../settings/value-schemas.ts'
import { mailerFor } from '../mail/mailer-for.ts'
import { systemClock, type Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Mailer } from '../ports/mail.ts'
import type { Secrets } from '../ports/secrets.ts'
import type { PlinthOptions } from './plinth.ts'

/** What the surroundings decide: base path, environment, keys, proxies in front, log. */
export interface Runtime {
  readonly basePath: string
  readonly environment: PlatformSettings['ENVIRONMENT']
  readonly settings: PlatformSettings
  readonly secrets: Secrets
  readonly proxies: TrustedProxies
  readonly log: Logger
  readonly clock: Clock
  readonly mailer: Mailer
}

/** Reads the settings; their faults join those of the declaration, so that all are told at once. */
export function readRuntime(options: PlinthOptions, faults: StartupFault[]): Runtime | undefined {
  const basePath = options.basePath
  if (basePath !== undefined && !urlPrefix().safeParse(basePath).success) {
    faults.push({
      path: 'createPlinth.basePath',
      problem: `'${basePath}' is no path`,
      fix: "basePath: '/app', without a slash at the end",
    })
  }
  try {
    const settings = loadPlatformSettings(options.env === undefined ? {} : { env: options.env })
    return {
      basePath: basePath ?? settings.URL_PREFIX,
      environment: settings.ENVIRONMENT,
      settings,
      secrets: keyRingSecrets(keyRingOf(settings)),
      proxies: trustedProxies(settings.TRUSTED_PROXIES),
      log: options.log ?? platformLogger(settings),
      clock: options.clock ?? systemClock,
      mailer: mailerFor(settings.ENVIRONMENT, options.mailer, 'createPlinth.mailer'),
    }
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    faults.push(...error.faults)
    return undefined
  }
}
