import type { Principal } from '../auth/principal.ts'
import type { Scalar } from '../condition/condition.ts'
import type { Job } from '../job/define-job.ts'
import type { EnqueuedJob, EnqueueOptions, JobCounts } from '../job/job-queue.ts'
import type { EventType } from '../events/event-type.ts'
import type { Logger } from '../ports/logger.ts'
import type { AnyResourceTable, Draft, Patch, Row } from '../table/types.ts'
import type { ParamsOf } from '../template/facts.ts'
import type { Tenant } from '../tenancy/tenant.ts'

/** What `ctx.list` takes. Fields need not be declared filterable: this is code, not a stranger's query. */
export interface ListRequest<T extends AnyResourceTable> {
  /** Equality on every key given; null means IS NULL. */
  readonly where?: { readonly [K in keyof Row<T>]?: Scalar | Date }
  /** Field names, a leading `-` for descending. Default: newest first. */
  readonly sort?: readonly string[]
  /** At most this many rows (default 100, at most 1000). */
  readonly limit?: number
}

/** What may be read, in whose name and when. Slow work (`outside`) gets this: no transaction is open while it runs. */
export interface ReadingContext {
  readonly principal: Principal
  readonly tenant: Tenant
  readonly requestId: string
  /** The trace to which this belongs (W3C Trace Context), for requests that it makes itself: that of the request, in jobs and handlers too. */
  readonly traceparent: string | undefined
  readonly log: Logger
  /** The one time of this request. */
  now(): Date
  /**
   * May this principal do this (`site:update`) on any row at all? On which rows, reads and writes ask by themselves.
   * @throws Error for a permission there is none
   */
  can(permission: string): boolean
  /** @throws not_found, permission_denied */
  read<T extends AnyResourceTable>(table: T, id: string): Promise<Row<T>>
  list<T extends AnyResourceTable>(table: T, request?: ListRequest<T>): Promise<readonly Row<T>[]>
  /** What the params of a row that comes from templates resolve to. @throws params_unresolved */
  resolve<T extends AnyResourceTable>(table: T, row: Row<T>): Promise<ParamsOf<T>>
  /** The same for many rows, in their order: one statement for each generation of templates. @throws params_unresolved */
  resolveEach<T extends AnyResourceTable>(table: T, rows: readonly Row<T>[]): Promise<readonly ParamsOf<T>[]>
}

/**
 * What actions, jobs and scripts work with: the tenant's data, in one transaction, under the same policy, row-level security
 * and records as a request over HTTP. There is no second, unguarded way to the data.
 *
 * Inside an action the permission of the action covers the action's own row; every other row is checked as usual.
 */
export interface Context extends ReadingContext {
  /**
   * Tells of something that no write of a resource tells by itself, once this transaction is committed. Events of one key are
   * handed on in order.
   * @throws Error where the type is not declared, or its schema refuses the data
   */
  emit<D>(event: EventType<D>, key: string, data: D): Promise<void>
  /**
   * Reads a row that nobody else changes until the end of this transaction: what is decided by it still holds when it is written.
   * @throws not_found, permission_denied
   */
  lock<T extends AnyResourceTable>(table: T, id: string): Promise<Row<T>>
  /** @throws permission_denied, validation_failed, already_exists */
  create<T extends AnyResourceTable>(table: T, draft: Draft<T>): Promise<Row<T>>
  /**
   * Makes a row from a template of the tenant (its id) or of the platform (its key), with what the draft overrides. The row's id,
   * owner and rights are its own.
   * @throws not_found where there is no such template, permission_denied, validation_failed, already_exists
   */
  clone<T extends AnyResourceTable>(
    table: T,
    template: string | { readonly shared: string },
    draft: Draft<T>,
  ): Promise<Row<T>>
  /** Changes the given fields only. @throws not_found, permission_denied, validation_failed, version_mismatch */
  update<T extends AnyResourceTable>(
    table: T,
    id: string,
    patch: Patch<T>,
    options?: { readonly ifVersion?: number },
  ): Promise<Row<T>>
  /** And what goes with it. @throws not_found, permission_denied, still_referenced, version_mismatch, too_many_rows */
  delete<T extends AnyResourceTable>(table: T, id: string, options?: { readonly ifVersion?: number }): Promise<void>
  /**
   * Brings a softly deleted row back, and what was deleted with it.
   * @throws not_found, permission_denied, not_deleted, parent_deleted, already_exists, version_mismatch
   */
  restore<T extends AnyResourceTable>(table: T, id: string, options?: { readonly ifVersion?: number }): Promise<Row<T>>
  /**
   * Asks for a job, in this transaction: it is there when this is committed, and never when not. It runs in the name of this
   * principal, or as the service account of `as`, with the rights that it has then.
   * @throws validation_failed for an input that its schema does not take, queue_full
   */
  enqueue<I>(job: Job<I>, input: NoInfer<I>, options?: EnqueueOptions): Promise<EnqueuedJob>
  /**
   * Runs `work` the first time that the tenant uses this key and keeps its result, JSON, in this transaction; later it gives the kept
   * one. Two at once wait for each other. Kept for 30 days.
   */
  once<T>(key: string, work: () => Promise<T>): Promise<T>
  /** How many jobs of the tenant have this key (`key` of `defineJob`), whoever may read them. */
  jobCounts(key: string): Promise<JobCounts>
}
