import type { Principal } from '../auth/principal.ts'
import type { Peer } from '../client/client.ts'
import type { ApiLicense, OpenApiDocument } from '../openapi/document.ts'
import type { EventHandler } from '../events/event-handler.ts'
import type { EventType } from '../events/event-type.ts'
import type { Feature } from '../feature/feature.ts'
import type { Job } from '../job/define-job.ts'
import type { RateLimitOptions } from '../limits/rate-limit-options.ts'
import type { Clock } from '../ports/clock.ts'
import type { Database } from '../ports/database.ts'
import type { MigrateOptions, MigrationReport } from '../ports/migration.ts'
import type { ChangedRates } from '../ports/rate-limits.ts'
import type { Logger } from '../ports/logger.ts'
import type { Mailer } from '../ports/mail.ts'
import type { Policy } from '../policy/policy.ts'
import type { Context } from '../resource/context.ts'
import type { Resource } from '../resource/define-resource.ts'
import type { Route } from '../routes/route.ts'
import type { AccessExplanation, AccessQuestion } from './access-explanation.ts'
import type { Finding } from './finding.ts'
import type { FoundingDraft, FoundTenant } from './found-tenant.ts'
import type { FeatureCommand } from '../feature/command.ts'
import type { Guard } from './guard.ts'
import type { HealthReport } from '../health/health-check.ts'
import type { Observed } from './observed.ts'
import type { Limits } from './platform.ts'
import type { Registry } from './registry.ts'

/** What `createPlinth` takes. Only the database and the resources are needed. */
export interface PlinthOptions {
  readonly database: Database
  readonly resources: readonly Resource[]
  /** In any order: it means nothing. Without a feature that reads credentials, every guarded route is 401. */
  readonly features?: readonly Feature[]
  /** Work that happens later: `defineJob({ name, input, run })`. Needs `jobs()` among the features. See docs/jobs.md. */
  readonly jobs?: readonly Job[]
  /** Rules in code that take something away from everybody: `policy({ name, action, when })`. See docs/authorization.md. */
  readonly policies?: readonly Policy[]
  /** Types of events that the product emits by hand: `defineEvent(…)`. Those of its resources are known without a word. */
  readonly events?: readonly EventType[]
  /** What runs for committed events: `on(eventOf(site, 'created'), 'greet', …)`. See docs/events.md. */
  readonly handlers?: readonly EventHandler[]
  /** Name and version for OpenAPI and the greeting. */
  readonly title?: string
  readonly version?: string
  /** Under which terms the API may be used, for OpenAPI. Default: proprietary. */
  readonly license?: ApiLicense
  /** The whole prefix as the browser sees it, without a trailing slash. Default: `URL_PREFIX`, else none. */
  readonly basePath?: string
  /** `host` (default): what no route matches goes on to the host. `plinth`: it is answered with a problem 404. */
  readonly notFound?: 'host' | 'plinth'
  /** `false` drops `/`, `/health` and `/openapi.json` at the root, for hosts that have their own. */
  readonly root?: boolean
  /** Makes the `type` of errors absolute: `https://docs.example.com`. Default: the base path. */
  readonly errorTypeBase?: string
  readonly limits?: Partial<Limits>
  /** How many requests are answered in how much time, and where that is counted. See docs/limits.md. */
  readonly rateLimits?: RateLimitOptions
  /** More checks, metrics and ways to the outside, for what the product itself depends on. See docs/reliability.md. */
  readonly observe?: Observed
  readonly log?: Logger
  readonly clock?: Clock
  /** Takes mails to their way. Default: the console in development; elsewhere a feature that sends mails needs one. */
  readonly mailer?: Mailer
  /** Variables to read settings from. Default: `process.env` and `.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** A command of a feature, bound to its platform. */
export interface BoundCommand extends Omit<FeatureCommand, 'run'> {
  readonly run: (
    options: Parameters<FeatureCommand['run']>[1],
    terminal: Parameters<FeatureCommand['run']>[2],
  ) => ReturnType<FeatureCommand['run']>
}

/** A platform, ready to be mounted. */
export interface Plinth {
  /**
   * Answers any request; the adapters convert to and from this and do nothing else. Never rejects.
   * @param peer the other end of the connection; without it the sender is nobody that a limit of addresses could count
   */
  readonly fetch: (request: Request, peer?: Peer) => Promise<Response>
  /** Is this path (as the browser sees it) one of Plinth's? What is not goes on to the host. */
  readonly knows: (path: string) => boolean
  /** Every path that it knows, as the browser sees it, short forms (`/api/sites`) included, parameters as `:name`. */
  readonly paths: readonly string[]
  readonly basePath: string
  readonly notFound: 'host' | 'plinth'
  readonly registry: Registry
  readonly routes: readonly Route[]
  /** Verbs that features add to the command line. */
  readonly commands: readonly BoundCommand[]
  /**
   * A guard for routes that the host writes by hand, which adapters wrap as `plinthGuards`: the stages request, auth, tenant and
   * policy of the pipeline. Null asks for a valid credential in an active tenant and nothing more.
   * @throws StartupError for a permission there is none, with the nearest names
   */
  guard(permission: string | null): Guard
  /** Prints an error of Plinth (thrown by `as`, say) as its own routes do; undefined for any other, which is the host's own. */
  problem(error: unknown, request: Request): Response | undefined
  /** The OpenAPI 3.1 document as data. */
  openapi(): OpenApiDocument
  /**
   * Platform SQL, features, what registered tables lack (or a drizzle-kit folder), policies and grants; under a lock.
   * @throws StartupError naming every difference that it may not mend by itself
   */
  migrate(options?: MigrateOptions): Promise<MigrationReport>
  /**
   * Founds a tenant; every feature's `provision` runs in the same transaction. Where the slug is taken, the tenant that has it
   * comes back with `founded: false`: it may be a stranger's, so look before you hand it to whoever asked for it.
   */
  foundTenant(draft: FoundingDraft): Promise<FoundTenant>
  /**
   * Runs code as this principal in this tenant (id or slug): the pipeline from the tenant stage on, one transaction.
   * @throws tenant_forbidden, tenant_suspended, and whatever `work` throws
   */
  as<T>(principal: Principal, tenant: string, work: (context: Context) => Promise<T>): Promise<T>
  /**
   * Gives a tenant (id or slug) rates of its own, in the place of the platform's; null takes one away. Every process follows within
   * a second.
   * @throws not_found; validation_failed for what is no rate
   */
  setTenantRates(tenant: string, rates: ChangedRates): Promise<void>
  /** Runs code as the platform itself, under `plinth_system`. The reason is logged. */
  asSystem<T>(reason: string, tenant: string, work: (context: Context) => Promise<T>): Promise<T>
  /** Compares the live database and the declaration with what they should be; `plinth doctor` prints it. Changes nothing. */
  inspect(): Promise<readonly Finding[]>
  /**
   * Whether somebody may do something, and which rule decided; for support people, never for the asker himself.
   * @throws validation_failed for a permission or principal that there is not
   */
  explain(question: AccessQuestion): Promise<AccessExplanation>
  /** Encrypts anew, under the first key of the ring, what features keep sealed. How many values, by feature. */
  reseal(): Promise<Readonly<Record<string, number>>>
  /**
   * Runs jobs in this process until the signal, whatever `jobs()` says of where they run: `plinth worker` does. Resolves when what was
   * begun has ended, or was given back after its time of grace.
   * @throws StartupError where the database is not as declared, Error where no feature runs jobs
   */
  work(signal: AbortSignal): Promise<void>
  /** The health as `GET /health` answers it. Never rejects. */
  health(): Promise<HealthReport>
  /**
   * Begins the end: `/health/ready` is 503 from now on, so that no more requests are sent here. Those that come all the same are
   * answered. Resolves when none is in flight, or after `limits.drain` milliseconds. Never rejects.
   */
  drain(): Promise<void>
  /**
   * Drains, waits for work that answers did not wait for, stops background work and closes connections. All of it is done, whatever
   * fails on the way; called again, it gives the same promise.
   * @throws AggregateError with all that failed
   */
  close(): Promise<void>
}
