import type { Accounts } from '../auth/accounts.ts'
import type { CredentialReader } from '../auth/principal.ts'
import type { RowCache } from '../cache/row-cache.ts'
import type { TrustedProxies } from '../client/trusted-proxies.ts'
import type { Cors } from '../cors/cors.ts'
import type { ErrorDefinition } from '../errors/registry.ts'
import type { Health } from '../health/health.ts'
import type { JobQueue } from '../job/job-queue.ts'
import type { Rates } from '../limits/rates.ts'
import type { Load } from '../load/load.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { RequestMetrics } from '../metrics/request-metrics.ts'
import type { Audit } from '../ports/audit.ts'
import type { Clock } from '../ports/clock.ts'
import type { Database } from '../ports/database.ts'
import type { Logger } from '../ports/logger.ts'
import type { Mailer } from '../ports/mail.ts'
import type { Secrets } from '../ports/secrets.ts'
import type { Roles } from '../policy/roles.ts'
import type { RouteTable } from '../routes/route-table.ts'
import type { PlatformSettings } from '../settings/platform-settings.ts'
import type { Directory } from '../tenancy/directory.ts'
import type { TenantChooser } from '../tenancy/tenant.ts'
import type { AfterAnswer } from './after-answer.ts'
import type { Registry } from './registry.ts'

/** Bounds on what a request may cost before anything is known about it. */
export interface Limits {
  /** Characters of path and query (414). */
  readonly url: number
  /** Number of header fields and characters in all of them (431). */
  readonly headerCount: number
  readonly headerBytes: number
  /** Bytes of the body (413). */
  readonly body: number
  /** Levels of nesting in a JSON body (400). */
  readonly depth: number
  /** Milliseconds that an action's `outside` may take. */
  readonly outside: number
  /** Milliseconds that a whole export may take, and that its reader may take nothing. */
  readonly export: number
  readonly exportIdle: number
  /** Bytes that the archive of a tenant may fill of the temporary folder until it is downloaded. */
  readonly exportSpool: number
  /** Requests in flight in one process; the next one is 503 at once. */
  readonly inFlight: number
  /** Milliseconds that the event loop may be late, and a statement wait for its connection; beyond, fewer may be in flight. */
  readonly congestion: number
  /** Milliseconds that `close()` waits for requests in flight. */
  readonly drain: number
}

export const defaultLimits: Limits = {
  url: 8_192,
  headerCount: 100,
  headerBytes: 32_768,
  body: 1_048_576,
  depth: 32,
  outside: 30_000,
  export: 900_000,
  exportIdle: 60_000,
  exportSpool: 4_294_967_296,
  inFlight: 1_000,
  congestion: 250,
  drain: 10_000,
}

/** What the stages of the pipeline work with; put together once by `createPlinth`. */
export interface Platform {
  readonly basePath: string
  readonly environment: string
  readonly version: string
  readonly errorTypeBase: string
  /** Errors of the core and of every feature, by code. */
  readonly errors: Readonly<Record<string, ErrorDefinition>>
  readonly registry: Registry
  readonly database: Database
  readonly routes: RouteTable
  readonly readers: readonly CredentialReader[]
  readonly tenants: TenantChooser
  /** Undefined where no feature knows who belongs where. */
  readonly directory: Directory | undefined
  /** Undefined where no feature knows accounts. */
  readonly accounts: Accounts | undefined
  readonly roles: Roles
  /** Undefined where no feature runs jobs. */
  readonly jobs: JobQueue | undefined
  /** Undefined where no feature keeps entries: nothing is written then. */
  readonly audit: Audit | undefined
  /** Scheme, host and port under which people reach the service, without a path; undefined where it was not said. */
  readonly publicUrl: string | undefined
  readonly settings: PlatformSettings
  readonly title: string
  readonly mailer: Mailer
  /** Work that an answer does not wait for. */
  readonly after: AfterAnswer
  readonly secrets: Secrets
  readonly proxies: TrustedProxies
  readonly cors: Cors
  /** Rows of resources that may be a little old for their readers. */
  readonly rows: RowCache
  /** Limits: those of requests are counted by the pipeline, those of attempts (logins) by features. */
  readonly rates: Rates
  readonly log: Logger
  readonly clock: Clock
  readonly limits: Limits
  /** Numbers for `/metrics`. Features add theirs by `Feature.metrics`. */
  readonly metrics: Metrics
  readonly requests: RequestMetrics
  readonly health: Health
  /** What this process is busy with, and whether it takes more. */
  readonly load: Load
  /** Resolves when the catalog was compared and is as declared; rejects with `not_ready`. */
  readonly ready: () => Promise<void> | undefined
}
