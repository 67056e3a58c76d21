import { auth } from '@plinth/auth'
import { createPlinth, type Feature, type Mailer, type Plinth } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { rbac } from '@plinth/rbac'
import { tenants } from '@plinth/tenants'
import { wideRates } from '../platform/bench-platform.ts'
import { project } from '../platform/projects.ts'

export interface IdentityParts {
  readonly databaseUrl: string
  /** Only for migrating and signing people up. */
  readonly ownerUrl?: string
  /** PKCS#8 in PEM: what signs access tokens. */
  readonly key: string
  readonly secretKeys: string
  readonly byMail?: boolean
  readonly features?: readonly Feature[]
}

/** Sends nothing: what a mail costs is not the question here. */
const silent: Mailer = { name: 'silent', send: () => Promise.resolve() }

export const PUBLIC_URL = 'https://app.example.com'

/** A platform of real sessions, members and roles, every default as in production; limits as wide as the load. */
export function identityPlatform(parts: IdentityParts): Plinth {
  const { databaseUrl, ownerUrl, key, secretKeys, byMail = false, features = [] } = parts
  return createPlinth({
    database: postgres(databaseUrl, ownerUrl === undefined ? {} : { ownerUrl }),
    resources: [project],
    features: [
      auth({ jwt: { keys: [key] }, registration: byMail ? 'by-mail' : 'open' }),
      tenants({ registration: 'invited' }),
      rbac(),
      ...features,
    ],
    mailer: silent,
    rateLimits: { requests: wideRates },
    env: {
      ENVIRONMENT: 'production',
      PUBLIC_URL,
      SECRET_KEYS: secretKeys,
      DATABASE_URL: databaseUrl,
      LOG_LEVEL: 'warn',
    },
  })
}
