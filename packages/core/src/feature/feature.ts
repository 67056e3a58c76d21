import type { PgTable } from 'drizzle-orm/pg-core'
import type { CredentialReader } from '../auth/principal.ts'
import type { PrincipalSource } from '../auth/principal-source.ts'
import type { ErrorDefinition } from '../errors/registry.ts'
import type { StartupFault } from '../errors/startup-error.ts'
import type { EventRecord } from '../ports/database.ts'
import type { Context } from '../resource/context.ts'
import type { Resource } from '../resource/define-resource.ts'
import type { Registry } from '../platform/registry.ts'
import type { PublicRoute } from '../routes/route.ts'
import type { Tenant, TenantChooser } from '../tenancy/tenant.ts'
import type { RecordedRow, RecordedWrite } from './record.ts'

/** A numbered piece of SQL of a feature, forward only. `{app}` `{system}` `{owner}` stand for the role names. */
export interface FeatureMigration {
  /** Unique in the feature, sorted as text: `0001_log`. */
  readonly id: string
  readonly sql: string
}

/** What a feature may put into the stages of the pipeline that are slots. */
export interface FeatureSlots {
  /** Readers of credentials; with none from any feature, every route that is not public answers 401. */
  readonly auth?: readonly CredentialReader[]
  /** How the tenant is chosen. At most one feature fills it. */
  readonly tenant?: TenantChooser
  /** Where principals are found by name, for explanations. */
  readonly principals?: readonly PrincipalSource[]
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
  /** Codes that this feature's errors use, beside the core's. */
  readonly errors?: Readonly<Record<string, ErrorDefinition>>
  readonly resources?: readonly Resource[]
  /**
   * Routes beside those of its resources, reachable by anyone. Called once at start; paths are whole, without the base path
   * (`/api/v1/docs`; at the root only where `root` says so). A path that is taken already is a fault at start.
   */
  readonly routes?: (parts: FeatureParts) => readonly PublicRoute[]
  /** Platform tables in the schema `plinth`, made by `migrations`. Each has `tenant_id` and gets forced row-level security. */
  readonly tables?: readonly PgTable[]
  readonly migrations?: readonly FeatureMigration[]
  /**
   * Rows written in the same statement as every create, update, delete. Called once per resource at start with symbols, not
   * once per request: the rows become SQL. It cannot refuse a write; when it fails, the write is rolled back (503).
   */
  readonly record?: (write: RecordedWrite) => readonly RecordedRow[]
  /** Handlers of committed events by type (`site.created`, or `*`), at least once, in order per row. */
  readonly on?: Readonly<Record<string, (context: Context, event: EventRecord) => Promise<void>>>
  /** Runs in the transaction that founds a tenant. */
  readonly provision?: (context: Context, tenant: Tenant) => Promise<void>
  readonly slots?: FeatureSlots
  /** Called once when everything is known; returns what is wrong with the feature's own configuration. */
  readonly verify?: (registry: Registry) => readonly StartupFault[]
}
