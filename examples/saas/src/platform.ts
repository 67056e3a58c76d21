import { apiDocs } from '@plinth/api-docs'
import { audit } from '@plinth/audit'
import { auth } from '@plinth/auth'
import { createPlinth, type Logger, type Mailer, type Plinth, type PlinthOptions } from '@plinth/core'
import { events } from '@plinth/events'
import { jobs } from '@plinth/jobs'
import { rbac } from '@plinth/rbac'
import { tenants } from '@plinth/tenants'
import { webhooks } from '@plinth/webhooks'
import { agentServices } from './agent/agent-services.ts'
import { lookoutDeclaration } from './declaration.ts'
import { lookoutRoles } from './roles.ts'
import type { LookoutSettings } from './settings.ts'

export interface LookoutParts {
  readonly settings: Pick<LookoutSettings, 'LOOKOUT_ALLOW_PRIVATE' | 'LOOKOUT_CHECK_TIMEOUT'>
  readonly database: PlinthOptions['database']
  readonly mailer: Mailer
  readonly log: Logger
  /** Default: each limit of requests is kept in the database. */
  readonly rateLimits?: PlinthOptions['rateLimits']
}

/** Lookout as a platform: what it holds and who may ask. @throws StartupError */
export function createLookout({ settings, database, mailer, log, rateLimits }: LookoutParts): Plinth {
  const { way, ...declared } = lookoutDeclaration({
    allowPrivate: settings.LOOKOUT_ALLOW_PRIVATE,
    timeout: settings.LOOKOUT_CHECK_TIMEOUT * 1000,
  })
  return createPlinth({
    title: 'Lookout',
    version: '0.1.0',
    notFound: 'plinth',
    database,
    mailer,
    log,
    ...(rateLimits && { rateLimits }),
    ...declared,
    observe: { resilience: [way] },
    features: [
      apiDocs(),
      audit(),
      auth(),
      events(),
      jobs(),
      rbac({ roles: lookoutRoles }),
      tenants(),
      webhooks(),
      agentServices,
    ],
  })
}
