import { createHash } from 'node:crypto'
import { audit } from '@plinth/audit'
import { createPlinth, serviceTokens, type Feature, type Plinth } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { databaseFrom, postgresDrivers } from '@plinth/postgres/driver'
import { callerTokens } from '../database/tenants.ts'
import type { BenchTenant } from '../servers/messages.ts'
import { benchListener, benchRecord } from './bench-record.ts'
import { project } from './projects.ts'

/**
 * `recording` writes a record and an event with each create; `delivering` hands the events on as well; `migrating` declares
 * what the others store and listens to nothing; `audited` keeps an audit log and writes an event with each create, and `unsealed`
 * writes both and does nothing more after the answer.
 */
export type Variant = 'plain' | 'audited' | 'unsealed' | 'recording' | 'delivering' | 'migrating'

/** Limits as in production, and as wide as the load: what counting costs is in every figure. */
const wide = { capacity: 6_000_000, windowSeconds: 60 }
export const wideRates = { ip: wide, anonymous: wide, principal: wide, tenant: wide }

interface PlatformParts {
  readonly databaseUrl: string
  /** Only for migrating. */
  readonly ownerUrl?: string
  readonly tenants: readonly BenchTenant[]
  readonly variant: Variant
}

// The strictest environment. One key for all processes, for it guards nothing: what one seals another opens.
export const env = {
  ENVIRONMENT: 'production',
  SECRET_KEYS: `bench:${createHash('sha256').update('keys of the benchmarks').digest('base64')}`,
}

export function benchPlatform({ databaseUrl, ownerUrl, tenants, variant }: PlatformParts): Plinth {
  const tokens = tenants.flatMap(({ slug, token }) =>
    [token, ...callerTokens(slug)].map((one, at) => ({
      name: at === 0 ? slug : `${slug}-${at}`,
      token: one,
      tenant: slug,
      permissions: ['*'],
    })),
  )
  return createPlinth({
    database:
      variant === 'recording' || variant === 'audited' || variant === 'unsealed'
        ? withoutRelay(databaseUrl)
        : postgres(databaseUrl, ownerUrl === undefined ? {} : { ownerUrl }),
    resources: [project],
    features: [...featuresOf(variant), serviceTokens(tokens)],
    rateLimits: { requests: wideRates },
    env: { ...env, DATABASE_URL: databaseUrl, LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn' },
  })
}

function featuresOf(variant: Variant): readonly Feature[] {
  if (variant === 'plain') return []
  if (variant === 'audited') return [audit(), benchListener()]
  if (variant === 'unsealed') return [unsealed(audit()), benchListener()]
  return variant === 'migrating' ? [benchRecord(), audit()] : [benchRecord(), benchListener()]
}

/** Entries are written and never put into the book: what sealing costs is measured apart. */
function unsealed(feature: Feature): Feature {
  const { background: _, ...rest } = feature
  return rest
}

/** Events are written and never handed on: a relay that waits for its connection for ever. What handing on costs is measured apart. */
function withoutRelay(url: string): ReturnType<typeof postgres> {
  return databaseFrom(postgresDrivers(url), { relayDriver: () => new Promise(() => undefined) })
}
