import {
  checkPlatformSettings,
  defineSettings,
  flag,
  loadSettings,
  platformSettings,
  type LoadOptions,
  type Settings,
} from '@plinth/core'
import { smtpSettings } from '@plinth/smtp'
import { z } from 'zod'

/** The platform's variables, those of mail, and Lookout's own. */
export const lookoutSettings = defineSettings({
  ...platformSettings,
  ...smtpSettings,
  // The features would miss it one start later.
  PUBLIC_URL: { ...platformSettings.PUBLIC_URL, requiredIn: ['test', 'staging', 'production'] },
  // Whoever tries it out looks for the greeting and the mails among the lines.
  LOG_LEVEL: { ...platformSettings.LOG_LEVEL, defaultIn: {}, default: 'info' },
  SHUTDOWN_DELAY: {
    schema: z
      .string()
      .regex(/^(?:[0-9]|[1-5]\d|60)$/, 'must be 0 to 60')
      .transform(Number),
    default: 0,
    description:
      'Seconds between being not ready and taking no more connections: how long the load balancer in front needs to see it. 0 to 60.',
    example: '5',
    group: 'Server',
  },
  LOOKOUT_ALLOW_PRIVATE: {
    schema: flag(),
    default: false,
    defaultIn: { development: true },
    secret: false, // by its name it would count as one
    description:
      'May a site point at a private, loopback or link-local address? Only where every agency may see what this server sees: on your own machine.',
    group: 'Lookout',
  },
  LOOKOUT_CHECK_TIMEOUT: {
    schema: z
      .string()
      .regex(/^(?:[1-9]|1\d|2[0-5])$/, 'must be 1 to 25')
      .transform(Number),
    default: 10,
    description: 'Seconds after which a page that has not answered is down, 1 to 25.',
    group: 'Lookout',
  },
})

export type LookoutSettings = Settings<typeof lookoutSettings>

/** @throws StartupError with all faults at once */
export function loadLookoutSettings(options: LoadOptions<typeof lookoutSettings> = {}): LookoutSettings {
  return loadSettings(lookoutSettings, { check: checkPlatformSettings, ...options })
}
