import type { Condition } from '../condition/condition.ts'
import type { Observed } from '../platform/observed.ts'
import type { FieldView } from '../fields/field-view.ts'
import type { Finding } from '../platform/finding.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import type { StartupFault } from '../errors/startup-error.ts'
import type { EmittedEvent } from '../feature/record.ts'
import type { AclEntry, AclOperation, AclSaying } from '../policy/acl.ts'
import type { Member, Tenant, TenantDraft } from '../tenancy/tenant.ts'
import type { IdempotencyKey, KeyClaim } from './idempotency-key.ts'
import type { Attachment } from './attachment.ts'
import type { WriteListener } from './write-listener.ts'
import type { MigrateOptions, MigrationReport } from './migration.ts'
import type { FixedStatement } from './statement.ts'
import type { DatabaseLimits } from './rate-limits.ts'
import type { PortableAccess } from './portable.ts'
import type { Beside, Committing, LibraryRunner, TransactionPlace, TransactionWork } from './beside.ts'
import type { Scope } from './scope.ts'

export type { Scope } from './scope.ts'

/**
 * A stored value as the driver hands it over, parsed as little as possible: times, json, numeric, int8 and uuid are the text
 * that PostgreSQL printed, small numbers are numbers, bool is a boolean.
 */
export type Raw = string | number | boolean | null | readonly Raw[]
export type RawRow = Readonly<Record<string, Raw>>

/** A value to store: JSON form printed as text, null for NULL. The database casts it to the column's type. */
export type Stored = string | null

/** Stands for the column's own default in a change (an absent field of a PUT). */
export const databaseDefault: unique symbol = Symbol('plinth.default')

export interface SortKey {
  readonly field: FieldInfo
  readonly descending: boolean
}

export interface ReadOperation {
  readonly resource: ResourceInfo
  readonly id: string
  /** Rows that this principal may see. */
  readonly visible: Condition
  /** Which restricted fields are read, and on which rows; without a view, none. A lock reads them all. */
  readonly view?: FieldView
}

/** Which rows of a softly deleted table: without a word, the live ones. */
export type RowState = 'live' | 'deleted' | 'any'

/**
 * What a lock keeps others from. `change`: changing the row. `delete`: referring to it as well. `keep`: changing or deleting
 * it, while others may `keep` it too.
 */
export type LockStrength = 'keep' | 'change' | 'delete'

export interface LockOperation extends ReadOperation {
  /** Default: `change`. */
  readonly strength?: LockStrength
  readonly state?: RowState
}

export interface LockManyOperation {
  readonly resource: ResourceInfo
  readonly where: Condition
  readonly strength: LockStrength
  readonly state?: RowState
  /** Rows at most. Ordered by id. */
  readonly limit: number
  readonly newestFirst?: boolean
  /** Columns to read; the id is always among them. Default: all. */
  readonly fields?: readonly FieldInfo[]
}

/** A change of many rows that were locked and authorised before. */
export interface ManyOperation {
  readonly resource: ResourceInfo
  readonly ids: readonly string[]
  readonly event: string
}

export interface ListOperation {
  readonly resource: ResourceInfo
  /** What the principal may see, and what he asked for. */
  readonly where: Condition
  /** Ends with the id, so that the order is total. */
  readonly sort: readonly SortKey[]
  /** Values of the sort keys of the last row of the page before, as PostgreSQL printed them. */
  readonly after: readonly Stored[] | undefined
  readonly limit: number
  readonly offset: number
  /** Columns to read; sort keys, id and version are always among them. */
  readonly fields: readonly FieldInfo[]
  /** Which restricted ones of them, and on which rows; without a view, none. */
  readonly view?: FieldView
}

/** The name under which a related row tells what it was found by. No column is called so. */
export const RELATED_TO = '?of'

/** Rows that belong to many others, in one statement: the parents of a page, or the children of each of its rows. */
export type RelatedOperation = {
  readonly resource: ResourceInfo
  /** What the principal may see of them. */
  readonly where: Condition
  /** Ids of the rows to which they belong. */
  readonly keys: readonly string[]
  readonly fields: readonly FieldInfo[]
  /** As of a list. */
  readonly view?: FieldView
} & (
  | { readonly by: 'id' }
  /** The reference that holds the key; at most so many rows for each key, newest first. */
  | { readonly by: FieldInfo; readonly limit: number }
  /** The rows of a table between that tie the keys to what is read; at most so many for each key, the newest ties first. */
  | { readonly by: Ties; readonly limit: number }
)

/** A table between two others: `near` holds the keys, `far` the ids of what is read. */
export interface Ties {
  readonly through: ResourceInfo
  readonly near: FieldInfo
  readonly far: FieldInfo
  /** What the principal may see of the ties. */
  readonly where: Condition
}

export interface CreateOperation {
  readonly resource: ResourceInfo
  /** Null where the database makes it; from `newRowId`. */
  readonly id: string | null
  readonly ownerUserId: string | null
  readonly values: ReadonlyMap<FieldInfo, Stored>
}

export interface ChangeOperation {
  readonly resource: ResourceInfo
  readonly id: string
  readonly visible: Condition
  /** Rows that this principal may change; a visible row outside of it is `denied`. */
  readonly allowed: Condition
  /** The version that the caller saw (`If-Match`). */
  readonly ifVersion: number | undefined
  /** What it is called in records and events: `updated`, `deleted` or the name of an action. */
  readonly event: string
}

export interface UpdateOperation extends ChangeOperation {
  /** Without any, only the version and the time of the row change. */
  readonly values: ReadonlyMap<FieldInfo, Stored | typeof databaseDefault>
}

export type ChangeResult =
  | { readonly outcome: 'done'; readonly row: RawRow }
  /** `live`: asked to be restored, and not deleted. */
  | { readonly outcome: 'missing' | 'denied' | 'stale' | 'live' }

/**
 * The operations of one tenant scope. Outside a transaction each is one statement and one commit. Reads show restricted fields by the
 * view they are given; writes and locks give whole rows, of which `markShown` says what their principal is shown.
 */
export interface Session {
  read(operation: ReadOperation): Promise<RawRow | undefined>
  list(operation: ListOperation): Promise<readonly RawRow[]>
  count(operation: Pick<ListOperation, 'resource' | 'where'>): Promise<number>
  /** The entries of the ACL that name one of these rows, for one of these subjects. */
  aclEntries(operation: AclOperation): Promise<readonly AclEntry[]>
  /** Each row with {@link RELATED_TO}. */
  related(operation: RelatedOperation): Promise<readonly RawRow[]>
  create(operation: CreateOperation): Promise<RawRow>
  update(operation: UpdateOperation): Promise<ChangeResult>
  /** What `update` would answer to a change of nothing: same outcomes, the row as it is, nothing written. */
  probe(operation: ChangeOperation): Promise<ChangeResult>
  delete(operation: ChangeOperation): Promise<ChangeResult>
  /** Brings a softly deleted row back. */
  restore(operation: ChangeOperation): Promise<ChangeResult>
}

/** What runs fixed statements of features. */
export interface StatementRunner {
  run(statement: FixedStatement): Promise<readonly RawRow[]>
}

/** A transaction of `plinth_system` for what belongs to no tenant or makes one. It sees all: a statement names the rows it means. */
export interface SystemTransaction extends StatementRunner, PortableAccess, LibraryRunner {
  /** The new tenant, or the one that has the slug already. */
  found(draft: TenantDraft): Promise<{ readonly tenant: Tenant; readonly founded: boolean }>
  /** Tenants or memberships change here: what is remembered of them is dropped once this is committed. */
  changesMembers(): void
  /** The same transaction with the operations of one tenant. */
  within(scope: Scope): Promise<Transaction>
}

/** A session inside a transaction: all or nothing. Its fixed statements run in the tenant too, under row-level security. */
export interface Transaction extends Session, StatementRunner, Committing {
  /**
   * Waits for a hold of this name on the tenant and keeps it until the end of the transaction: with the others that share it, or
   * alone. What is read after it is what was committed by those who held it before.
   */
  hold(name: string, how: 'shared' | 'alone'): Promise<void>
  /** Locks the row until the end of the transaction and reads it. */
  lock(operation: LockOperation): Promise<RawRow | undefined>
  /** Locks rows in the order of their ids, so that two who lock the same rows wait for each other instead of a deadlock. */
  lockMany(operation: LockManyOperation): Promise<readonly RawRow[]>
  /** Creates rows of one resource with few statements; the rows come back in the order given. */
  createMany(operations: readonly CreateOperation[]): Promise<readonly RawRow[]>
  /** Deletes rows, each with its own record and event; softly where the resource says so and `purge` does not. How many. */
  deleteMany(operation: ManyOperation & { readonly purge?: boolean }): Promise<number>
  restoreMany(operation: ManyOperation): Promise<number>
  /**
   * For a handler, before its effects and in their transaction: is this event still to be handled by it? Marks it, for good once this
   * is committed. Of `systemTransaction` alone.
   * @param last whether no other handler has it before it
   */
  takeEvent(eventId: string, handler: string, last: boolean): Promise<boolean>
  /** Claims an idempotency key until the end of the transaction, without waiting for another holder. */
  claimKey(key: IdempotencyKey): Promise<KeyClaim>
  /** Keeps the (encrypted) answer under the claimed key. */
  keepAnswer(key: IdempotencyKey, sealed: string, expiresAt: Date): Promise<void>
  /**
   * Appends an event to the outbox that no generated write stands for, and what features record of it: `changes` are told to them alone.
   * @throws Error where the catalogue has no such type, or its schema refuses the data
   */
  emit(event: EmittedEvent): Promise<void>
}

/** The port behind which tables live. `postgres()` and `embedded()` of `@plinth/postgres` fill it. */
export interface Database extends Beside, Observed {
  readonly kind: string
  /** Faults of the configuration (no URL …), found before anything is connected. */
  readonly faults: readonly StartupFault[]
  /** Is told what was declared; returns what is wrong with the tables (a unique key without tenant …). */
  attach(attachment: Attachment): readonly StartupFault[]
  migrate(options: MigrateOptions): Promise<MigrationReport>
  /** Compares the live catalog (roles, forced row-level security, policies, grants) with the registry. */
  check(): Promise<readonly StartupFault[]>
  /** What may have been switched off since, beside the process: what one cheap statement can tell. Asked once a minute. */
  recheck?(): Promise<readonly StartupFault[]>
  /** What `check` finds, what is slow or odd and no reason to refuse service, and that the database does not answer. */
  inspect(): Promise<readonly Finding[]>
  session(scope: Scope): Session
  /**
   * One transaction. `work` may run up to three times: the whole of it is repeated when the transaction lost against another
   * one (serialization failure, deadlock). What it does outside of the database must bear that.
   */
  transaction<T>(scope: Scope, work: TransactionWork<T>, place?: TransactionPlace): Promise<T>
  /** As `plinth_system`, whose policies are its own. The caller audits it. */
  systemTransaction<T>(scope: Scope, work: TransactionWork<T>, place?: TransactionPlace): Promise<T>
  /** Kept for a second, as every request asks. */
  findTenant(idOrSlug: string): Promise<Tenant | undefined>
  /** What a user is in a tenant; undefined where he is nothing. Kept for a second. */
  findMember(tenantId: string, userId: string): Promise<Member | undefined>
  /** In summary, what the ACL says of these subjects, given in one order; undefined for nothing. Kept for a second. */
  findAcl(tenantId: string, subjects: readonly string[]): Promise<readonly AclSaying[] | undefined>
  /** Drops what `findTenant`, `findMember` and `findAcl` keep, in this process. Others follow within a second. */
  forget(): void
  /** Told of every committed write of this process, and soon of those of others where the resource has `cache`. */
  onWrite(listener: WriteListener): void
  /** Told whenever that happens: others remember what belongs to members too (sessions, keys). */
  onForget(listener: () => void): void
  /** A statement as the runtime login without a tenant: it sees what the functions of `plinth_lookup` give out, and no row. */
  lookup(statement: FixedStatement): Promise<readonly RawRow[]>
  /** As `plinth_system`, in no tenant. As `transaction`, it may run up to three times. */
  system<T>(work: (system: SystemTransaction) => Promise<T>): Promise<T>
  /** The rates of single tenants, and the buckets, where no other store is chosen. */
  readonly limits: DatabaseLimits
  /**
   * Founds a tenant: its row and whatever `provision` writes, in one transaction. A taken slug resolves with the existing
   * tenant and runs nothing.
   */
  foundTenant(
    draft: TenantDraft,
    scope: (tenant: Tenant) => Scope,
    provision: (transaction: Transaction, tenant: Tenant) => Promise<void>,
  ): Promise<{ readonly tenant: Tenant; readonly founded: boolean }>
  /** Starts what runs beside requests: handing committed events on where a feature listens, sweeping what has expired. */
  startBackground(): void
  /** How long the statement of a request that is next has waited for its connection, in milliseconds; 0 where none waits. */
  waitedMs?(): number
  /** Resolves when the database answers and takes writes; rejects with `unavailable` when not. */
  ping(): Promise<void>
  close(): Promise<void>
}
