import type { PgTable } from 'drizzle-orm/pg-core'
import type { Accounts } from '../auth/accounts.ts'
import type { Actor, CredentialReader, Principal } from '../auth/principal.ts'
import type { PrincipalSource } from '../auth/principal-source.ts'
import type { ErrorDefinition } from '../errors/registry.ts'
import type { StartupFault } from '../errors/startup-error.ts'
import type { Job } from '../job/define-job.ts'
import type { JobQueue } from '../job/job-queue.ts'
import type { Audit } from '../ports/audit.ts'
import type { FeatureEventHandling } from '../events/event-handler.ts'
import type { Database, StatementRunner } from '../ports/database.ts'
import type { FixedStatement } from '../ports/statement.ts'
import type { Observed } from '../platform/observed.ts'
import type { Platform } from '../platform/platform.ts'
import type { Runtime } from '../platform/runtime.ts'
import type { Policy } from '../policy/policy.ts'
import type { Roles } from '../policy/roles.ts'
import type { EventType } from '../events/event-type.ts'
import type { Context } from '../resource/context.ts'
import type { Resource } from '../resource/define-resource.ts'
import type { Registry } from '../platform/registry.ts'
import type { Route } from '../routes/route.ts'
import type { Directory } from '../tenancy/directory.ts'
import type { Departure } from '../tenancy/standing.ts'
import type { Tenant, TenantChooser } from '../tenancy/tenant.ts'
import type { FeatureCommand } from './command.ts'
import type { RecordedEvent, RecordedEventName, RecordedRow, RecordedWrite } from './record.ts'
import type { Travels } from './travel.ts'

/** A numbered piece of SQL of a feature, forward only. `{app}` `{system}` `{owner}` `{lookup}` stand for the role names. */
export interface FeatureMigration {
  /** Unique in the feature, sorted as text: `0001_log`. */
  readonly id: string
  readonly sql: string
  /**
   * A schema of the feature's own, with nothing in it that could not be made again: dropped and made anew before, and the owner's.
   */
  readonly remakes?: string
}

/**
 * Removes what has had its time.
 * @param begin as `Database.system`: as many transactions as there are things that may fail without each other
 */
export type SweepWork = (begin: Database['system']) => Promise<unknown>

/** What a feature may put into the stages of the pipeline that are slots. */
export interface FeatureSlots {
  /** Readers of credentials; with none from any feature, every route that is not public answers 401. */
  readonly auth?: readonly CredentialReader[]
  /** How the tenant is chosen. At most one feature fills it. */
  readonly tenant?: TenantChooser
  /** Who may come in, and where to. At most one feature fills it. */
  readonly directory?: Directory
  /** The accounts of users. At most one feature fills it. */
  readonly accounts?: Accounts
  /** What roles may do. At most one feature fills it; called once. */
  readonly roles?: (platform: Platform) => Roles
  /** What runs jobs. At most one feature fills it; called once. */
  readonly jobs?: (platform: Platform) => JobQueue
  /** It keeps entries of the ACL, so that requests ask what they say of whoever asks. */
  readonly acl?: true
  /** Keeps entries of what no generated write and no event stands for. At most one feature fills it; called once. */
  readonly audit?: (platform: Platform) => Audit
  /** Where principals are found by name, for explanations. */
  readonly principals?: readonly PrincipalSource[]
  /** Finds by its id whoever asked for something in a tenant that happens later, as he is now; undefined where there is none. */
  readonly recall?: (asker: Actor, tenant: Tenant) => Promise<Principal | undefined>
}

/** What a feature may know when it names its routes. */
export interface FeatureParts {
  readonly title: string
  readonly version: string
  readonly basePath: string
  /** Whether the platform has routes at the root, beside those under `/api/v1`. */
  readonly root: boolean
  readonly registry: Registry
}

/**
 * A feature is data: what it stores, serves, records and listens to. Its place in the list of features means nothing. It can
 * add; it cannot take a check away, for the stages are called by the pipeline alone.
 */
export interface Feature {
  readonly name: string
  /** It sends mails: outside development a platform without a mailer is then a fault at start. */
  readonly mails?: true
  /** Codes that this feature's errors use, beside the core's. */
  readonly errors?: Readonly<Record<string, ErrorDefinition>>
  readonly resources?: readonly Resource[]
  /** Permissions that are about no rows of a table: `{ setting: ['read', 'update'] }`. Routes ask for them by `needs`. */
  readonly permissions?: Readonly<Record<string, readonly string[]>>
  /**
   * Routes beside those of its resources. Called once at start; paths are whole, without the base path
   * (`/api/v1/docs`; at the root only where `root` says so). A path that is taken already is a fault at start.
   */
  readonly routes?: (parts: FeatureParts) => readonly Route[]
  /** Tables of tenants in the schema `plinth`, made by `migrations`. Each has `tenant_id` and gets forced row-level security. */
  readonly tables?: readonly PgTable[]
  readonly migrations?: readonly FeatureMigration[]
  /**
   * Whether the rows of its tables go along when a tenant moves to another platform, for every table of tenants that its resources,
   * `tables` and migrations bring: `{ 'plinth.notes': {} }`. Where one says nothing no tenant can be exported.
   */
  readonly travels?: Travels
  /**
   * Rows written in the same statement as every create, update, delete. Called once per resource at start with symbols, not
   * once per request: the rows become SQL. It cannot refuse a write; when it fails, the write is rolled back (503).
   */
  readonly record?: (write: RecordedWrite) => readonly RecordedRow[]
  /** The same beside every event that a hand-written write emits, whether somebody listens to it or not. Called once at start. */
  readonly recordEvent?: (event: RecordedEvent) => readonly RecordedRow<RecordedEventName>[]
  /** Rules that take something away from everybody, beside those of the product. */
  readonly policies?: readonly Policy[]
  /** Work that happens later, beside that of the product. */
  readonly jobs?: readonly Job[]
  /** Types of events that it emits by hand. Those of its resources are known without a word. */
  readonly events?: readonly EventType[]
  /** Types of events (`site.created`, `site.*`, `*`) that are stored although nobody hears them. */
  readonly stores?: readonly string[]
  /** Handlers of committed events by type (`site.created`, `site.*` or `*`), at least once, in order per row. */
  readonly on?: Readonly<Record<string, FeatureEventHandling>>
  /** Runs in the transaction that founds a tenant, as the platform itself. */
  readonly provision?: (context: Context, tenant: Tenant, founding: Founding) => Promise<void>
  /** In the transaction in which somebody leaves a tenant, or is suspended: ends what he holds there. */
  readonly departure?: (system: StatementRunner, departure: Departure) => Promise<void>
  /**
   * What `plinth_system` does to remove what has had its time, a bounded number of rows each; every few minutes. A statement, or work
   * in transactions of its own: for what leaves an entry in the audit log. What fails is logged, and the rest goes on.
   */
  readonly sweep?: (now: Date) => readonly (FixedStatement | SweepWork)[]
  /** Encrypts anew, under the first key of the ring, whatever the feature keeps sealed. How many values. */
  readonly reseal?: (platform: Platform) => Promise<number>
  /** Verbs for the command line: `plinth admin:create`. */
  readonly commands?: readonly FeatureCommand[]
  /**
   * What it shows in `/health`, `/metrics` and the ways by which it calls the outside. Called once, when all is put together; what
   * it reads is read when somebody asks.
   */
  readonly observe?: (platform: Platform) => Observed
  /** Called once when all is put together and nothing is connected yet. */
  readonly start?: (platform: Platform) => void
  /** Called once when the database was found to be as declared: starts what runs beside requests. `stop` ends it. */
  readonly background?: (platform: Platform) => void
  /** Called at the end of every `migrate()`, by any process: puts there what must be there from the start, once. */
  readonly seed?: (platform: Platform) => Promise<void>
  /** Ends what it holds open; features end side by side, and then the one that fills the slot `audit`. */
  readonly stop?: () => Promise<void>
  /** Milliseconds that `stop` may take; then it is left, and told. Default 5,000. */
  readonly stopMs?: number
  readonly slots?: FeatureSlots
  /**
   * Called once when everything is known; returns what is wrong with the feature's own configuration.
   * @param runtime undefined where the settings have faults: those are told together with what is found without them
   */
  readonly verify?: (registry: Registry, runtime: Runtime | undefined) => readonly StartupFault[]
}

/** What a provision may know and do beside its context. */
export interface Founding extends StatementRunner {
  /** The first member, its owner; null for a tenant that the operator founds for somebody else. */
  readonly founder: string | null
}
