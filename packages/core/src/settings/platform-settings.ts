import { z } from 'zod'
import type { StartupFault } from '../errors/startup-error.ts'
import { keyCommand, readKeyRing } from '../keys/key-ring.ts'
import { logLevels } from '../logging/levels.ts'
import { databaseFaults } from './database-url.ts'
import { defineSettings, environments, type Settings } from './define-settings.ts'
import { loadSettings, type LoadOptions } from './load-settings.ts'
import {
  csv,
  corsOrigin,
  flag,
  httpOrigin,
  ipRange,
  listenAddress,
  outboundHost,
  port,
  postgresUrl,
  urlPrefix,
  word,
} from './value-schemas.ts'

const connection = { schema: postgresUrl().optional(), secret: true, group: 'Database' } as const
const part = { schema: z.string().optional(), group: 'Database' } as const

/** The platform's own variables: those that something reads. Compose: `defineSettings({ ...platformSettings, MINE: … })`. */
export const platformSettings = defineSettings({
  ENVIRONMENT: {
    schema: z.enum(environments),
    default: 'production',
    description:
      'development, test, staging or production. Unset means production, the strictest; `npm start` and `plinth dev` set development. It also chooses the file .env.<environment>.',
    example: 'development',
    group: 'Server',
  },
  PORT: {
    schema: port(),
    default: 8000,
    aliases: ['API_PORT', 'CLAUDE_INTERNAL_PORT'],
    description: 'The TCP port that the server listens on. 0: any free one.',
    group: 'Server',
  },
  API_HOST: {
    schema: listenAddress(),
    default: '127.0.0.1',
    description:
      'The address that the server listens on. 127.0.0.1 is reached from this machine only, 0.0.0.0 from everywhere.',
    group: 'Server',
  },
  PUBLIC_URL: {
    schema: httpOrigin().optional(),
    description:
      'Scheme and host under which people reach the service; for links, issuer and audience. The path is URL_PREFIX.',
    example: 'https://app.example.com',
    group: 'Server',
  },
  URL_PREFIX: {
    schema: urlPrefix(),
    default: '',
    description: 'The path under which a reverse proxy shows the service, as the browser sees it. Empty: none.',
    example: '/app',
    group: 'Server',
  },
  TRUSTED_PROXIES: {
    schema: csv(ipRange()),
    default: [],
    description:
      "Addresses and CIDR ranges of the reverse proxies in front, by comma. Their X-Forwarded-For and X-Forwarded-Proto are believed, nobody else's. Empty: none.",
    example: '10.0.0.0/8',
    group: 'Server',
  },
  CORS_ORIGINS: {
    schema: csv(corsOrigin()),
    default: [],
    description:
      'Origins of pages elsewhere that may use the API from a browser, by comma: https://app.example.com. * for any, which then may send no cookie. Empty: none.',
    example: 'https://app.example.com',
    group: 'Server',
  },
  CORS_ALLOW_CREDENTIALS: {
    schema: flag(),
    default: false,
    description: 'Whether the pages of CORS_ORIGINS may send the session cookie too.',
    example: 'true',
    group: 'Server',
  },
  WEBHOOKS_ALLOW_HOSTS: {
    schema: csv(outboundHost()),
    default: [],
    description:
      'Hosts to which webhooks may go although they are private or without TLS, by comma, each with a port or for all of them. Empty: none.',
    example: 'localhost:9000',
    group: 'Server',
  },
  DATABASE_URL: {
    ...connection,
    description: 'PostgreSQL, as the runtime login: neither owner, superuser nor BYPASSRLS. Wins over POSTGRES_*.',
    example: 'postgres://plinth_app:password@localhost:5432/app',
  },
  DATABASE_OWNER_URL: {
    ...connection,
    description: 'PostgreSQL, as the owner of the tables: for migrations only.',
    example: 'postgres://plinth_owner:password@localhost:5432/app',
  },
  DATABASE_DIRECT_URL: {
    ...connection,
    description:
      'PostgreSQL without a pooler between, for LISTEN and locks. Needed where DATABASE_URL goes through PgBouncer.',
    example: 'postgres://plinth_app:password@localhost:5432/app',
  },
  DATABASE_SYSTEM_URL: {
    ...connection,
    description:
      'PostgreSQL, as the login of the system role, for work across tenants. Unset: derived from the others.',
    example: 'postgres://plinth_system:password@localhost:5432/app',
  },
  POSTGRES_HOST: {
    ...part,
    schema: listenAddress().optional(),
    description: 'The parts form of DATABASE_URL, read where that is unset: host.',
    example: 'localhost',
  },
  POSTGRES_PORT: { ...part, schema: port().optional(), description: 'Parts form: port. Unset: 5432.', example: '5432' },
  POSTGRES_USER: { ...part, description: 'Parts form: user.', example: 'plinth_app' },
  POSTGRES_PASSWORD: { ...part, secret: true, description: 'Parts form: password.' },
  POSTGRES_DB: { ...part, description: 'Parts form: name of the database.', example: 'app' },
  DATA_DIR: {
    schema: z.string(),
    default: '.plinth',
    description: 'Folder for what is kept on this machine: the embedded database, the secrets of development.',
    group: 'Storage',
  },
  SECRET_KEYS: {
    schema: z
      .string()
      .transform((text, context) => {
        const { ring, problems } = readKeyRing(text)
        for (const message of problems) context.addIssue({ code: 'custom', message })
        return ring ?? z.NEVER
      })
      .optional(),
    requiredIn: ['test', 'staging', 'production'],
    secret: true,
    description:
      'Keys that seal and sign: name:base64 of 32 random bytes, several by comma. The first one seals; the others open what they sealed before. In development, unset, they are made once in DATA_DIR.',
    fix: keyCommand,
    group: 'Secrets',
  },
  JWT_KEYS_DIR: {
    schema: z.string().optional(),
    secret: false, // the folder's name, not what is in it
    description:
      'Folder of the keys that sign access tokens, made by `plinth keys:generate`. Unset: ./keys; in development made once in DATA_DIR.',
    example: './keys',
    group: 'Secrets',
  },
  METRICS_TOKEN: {
    schema: z.string().min(32).max(512).optional(),
    secret: true,
    description:
      'What a scraper shows to read /metrics: Authorization: Bearer <token>. At least 32 characters. Unset: only superadmins may read them.',
    fix: 'METRICS_TOKEN=$(openssl rand -base64 32)',
    group: 'Secrets',
  },
  LOG_LEVEL: {
    schema: word(logLevels),
    default: 'info',
    defaultIn: { development: 'debug' },
    description: `The lowest level that is logged: ${logLevels.join(', ')}.`,
    reloadable: true,
    group: 'Logging',
  },
  LOG_TO: {
    schema: word(['stdout', 'stderr']),
    default: 'stdout',
    description: 'Where the log goes: stdout, or stderr where standard output is for something else.',
    group: 'Logging',
  },
})

export type PlatformSettings = Settings<typeof platformSettings>

/** Faults that show only between the platform's variables; for the `check` of a definition that composes them. */
export function checkPlatformSettings(values: Partial<PlatformSettings>): StartupFault[] {
  // A variable that is set but wrong has its fault already; it must not be called missing as well.
  const read = (['DATABASE_URL', 'POSTGRES_HOST', 'POSTGRES_USER', 'POSTGRES_DB'] as const).every(
    (name) => name in values,
  )
  return [...(read ? databaseFaults(values) : []), ...corsFaults(values)]
}

/** With cookies, `*` would let every page on the web act as whoever is signed in; browsers refuse it too. */
function corsFaults({ CORS_ORIGINS, CORS_ALLOW_CREDENTIALS }: Partial<PlatformSettings>): StartupFault[] {
  if (!CORS_ORIGINS?.includes('*')) return []
  const fault = (problem: string, fix: string): StartupFault => ({ path: 'CORS_ORIGINS', problem, fix })
  if (CORS_ALLOW_CREDENTIALS)
    return [fault('is * where CORS_ALLOW_CREDENTIALS is true', 'CORS_ORIGINS=https://app.example.com')]
  return CORS_ORIGINS.length === 1 ? [] : [fault('names * and other origins', 'CORS_ORIGINS=*')]
}

/**
 * The platform's settings from the environment and the `.env` files.
 * @throws StartupError with all faults at once
 */
export function loadPlatformSettings(options: LoadOptions<typeof platformSettings> = {}): PlatformSettings {
  const { check, ...others } = options
  return loadSettings(platformSettings, {
    ...others,
    check: (values, environment) => [...checkPlatformSettings(values), ...(check?.(values, environment) ?? [])],
  })
}
