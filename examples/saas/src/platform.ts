import { apiDocs } from '@plinth/api-docs'
import { createPlinth, serviceTokens, type Logger, type Plinth, type PlinthOptions } from '@plinth/core'
import { lookoutResources } from './resources/all.ts'
import { serviceTokensOf, type ServiceTokensFile } from './service-tokens-file.ts'
import type { LookoutSettings } from './settings.ts'

/** The agencies that the first start founds. */
export const agencies = [
  { slug: 'acme', name: 'Acme' },
  { slug: 'beta', name: 'Beta' },
] as const

export interface LookoutParts {
  readonly settings: Pick<LookoutSettings, 'LOOKOUT_ALLOW_PRIVATE' | 'LOOKOUT_CHECK_TIMEOUT'>
  readonly database: PlinthOptions['database']
  readonly tokens: ServiceTokensFile
  readonly log: Logger
}

/** Lookout as a platform: what it holds and who may ask. @throws StartupError */
export function createLookout({ settings, database, tokens, log }: LookoutParts): Plinth {
  const allowPrivate = settings.LOOKOUT_ALLOW_PRIVATE
  return createPlinth({
    title: 'Lookout',
    version: '0.1.0',
    notFound: 'plinth',
    database,
    log,
    resources: lookoutResources({ allowPrivate, timeout: settings.LOOKOUT_CHECK_TIMEOUT * 1000 }),
    features: [apiDocs(), serviceTokens(serviceTokensOf(tokens))],
  })
}
