import type {
  AclSaying,
  Attachment,
  Database,
  DatabaseLimits,
  Finding,
  FixedStatement,
  HealthCheck,
  LibraryValue,
  Member,
  MetricSource,
  MigrateOptions,
  MigrationReport,
  RawRow,
  Scope,
  Session,
  StartupFault,
  SystemTransaction,
  Tenant,
  TenantDraft,
  Transaction,
  TransactionPlace,
  TransactionWork,
  WriteListener,
} from '@plinth/core'
import type { Attached } from './attached.ts'
import { Background } from './background.ts'
import { checkCatalog, type CheckOptions } from './catalog/check-catalog.ts'
import { asFaults, unreachable } from './catalog/fault.ts'
import { checkRowSecurityNow } from './catalog/check-row-security-now.ts'
import { inspectCatalog } from './catalog/inspect-catalog.ts'
import { verifyTables } from './catalog/verify-tables.ts'
import type { DatabaseOptions } from './database-options.ts'
import type { Driver, Drivers } from './drivers/driver.ts'
import { checkTenants } from './isolation/check-tenants.ts'
import { verifyPlaces } from './isolation/place-tables.ts'
import { beginsIn, inSearchPath, searchPathOf } from './isolation/search-path.ts'
import { TenantGate } from './isolation/tenant-gate.ts'
import type { Isolation } from './isolation/tenant-schema.ts'
import { postgresLimits } from './limits/postgres-limits.ts'
import { migrateAsOwner } from './migrate/migrate-as-owner.ts'
import { databaseMetrics } from './observe/database-metrics.ts'
import { refuseReadOnly } from './observe/takes-writes.ts'
import { printLibrary } from './session/library.ts'
import { CreatesTogether } from './session/together/creates-together.ts'
import { directRunner, inTransaction, type TransactionRunner } from './session/runner.ts'
import { assertTenant, ScopedSession, type SessionParts } from './session/scoped-session.ts'
import { ScopedTransaction } from './session/scoped-transaction.ts'
import { TableFields } from './session/table-fields.ts'
import { committing } from './session/committing.ts'
import { printFixed } from './session/fixed-statement.ts'
import { Remembered } from './session/remembered.ts'
import { OwnSystemTransaction } from './session/system-transaction.ts'
import { printingOf } from './statements/printing-of.ts'
import { compileRecords } from './statements/records.ts'
import { ShapeCache } from './statements/shape-cache.ts'

/**
 * The port `Database` over open drivers: what `postgres()` and `embedded()` return. Tests hand in drivers of their own, for
 * instance wrapped ones that lose connections.
 */
export function databaseFrom(drivers: Drivers, options: DatabaseOptions = {}): Database {
  return new SqlDatabase(drivers, options)
}

class SqlDatabase implements Database {
  readonly kind: string
  readonly faults: readonly StartupFault[]
  readonly limits: DatabaseLimits
  readonly checks: readonly HealthCheck[]
  readonly metrics: readonly MetricSource[]
  readonly #drivers: Drivers
  readonly #options: DatabaseOptions
  #attached: Attached | undefined
  #remembered: Remembered | undefined
  readonly #background: Background
  readonly #onForget: (() => void)[] = []

  constructor(drivers: Drivers, options: DatabaseOptions) {
    this.kind = options.kind ?? drivers.kind
    this.faults = options.faults ?? []
    this.#drivers = drivers
    this.limits = postgresLimits(
      () => directRunner(drivers.app, this.#ready().runner),
      async (work) => inTransaction(await drivers.system(), this.#ready().runner, work),
    )
    this.#options = options
    this.checks = options.checks ?? []
    this.#background = new Background(drivers, options)
    this.metrics = databaseMetrics(drivers, this.#background)
  }

  attach(attachment: Attachment): readonly StartupFault[] {
    const { registry } = attachment
    const faults: StartupFault[] = [...verifyTables(registry), ...verifyPlaces(registry, this.#isolation)]
    const withFacts = this.#options.policyFacts ?? false
    const records = compileRecords(registry, withFacts, faults)
    const translation = { fields: new TableFields(registry), recorded: records.tables }
    const runner = { shapes: new ShapeCache(registry.resources.length), translation }
    const session: SessionParts = {
      printing: printingOf(registry, this.#isolation, records, withFacts),
      onEvent: () => this.#background.poke(),
      onWrite: (tenantId, resource) => this.#background.notices.wrote(tenantId, resource),
    }
    const gate =
      this.#isolation === 'schema'
        ? new TenantGate((schema) => checkTenants({ ...this.#checking, schema }), attachment.log)
        : undefined
    const together = this.#drivers.kind === 'pglite' ? undefined : new CreatesTogether(session.printing)
    this.#background.notices.attach(registry)
    this.#attached = { attachment, runner, session, together, gate }
    this.#remembered = new Remembered(directRunner(this.#drivers.app, runner), this.#onForget)
    return faults
  }

  session(scope: Scope): Session {
    assertTenant(scope)
    const { runner, session, gate, together } = this.#ready()
    gate?.assertOpen(scope.tenantId)
    const connection = gate ? inSearchPath(this.#drivers.app, searchPathOf(scope.tenantId)) : this.#drivers.app
    return new ScopedSession(scope, directRunner(connection, runner), session, together)
  }

  transaction<T>(scope: Scope, work: TransactionWork<T>, place?: TransactionPlace): Promise<T> {
    return this.#transaction(this.#drivers.app, scope, work, place)
  }

  async systemTransaction<T>(scope: Scope, work: TransactionWork<T>, place?: TransactionPlace): Promise<T> {
    return this.#transaction(await this.#drivers.system(), scope, work, place)
  }

  async #transaction<T>(driver: Driver, scope: Scope, work: TransactionWork<T>, place?: TransactionPlace): Promise<T> {
    assertTenant(scope)
    const { runner: parts, session, gate } = this.#ready()
    gate?.assertOpen(scope.tenantId)
    const after = new Set<() => void>()
    const begun = gate ? beginsIn(driver, searchPathOf(scope.tenantId)) : driver
    const within = (runner: TransactionRunner): Promise<T> =>
      work(new ScopedTransaction(scope, runner, committing(session, after)))
    const result = await inTransaction(begun, parts, within, place)
    // Not before: the relay would look and find nothing.
    for (const call of after) call()
    return result
  }

  findTenant(idOrSlug: string): Promise<Tenant | undefined> {
    this.#ready()
    return this.#remembered?.tenant(idOrSlug) ?? Promise.resolve(undefined)
  }

  findMember(tenantId: string, userId: string): Promise<Member | undefined> {
    this.#ready()
    return this.#remembered?.member(tenantId, userId) ?? Promise.resolve(undefined)
  }

  findAcl(tenantId: string, subjects: readonly string[]): Promise<readonly AclSaying[] | undefined> {
    this.#ready()
    return this.#remembered?.acl(tenantId, subjects) ?? Promise.resolve(undefined)
  }

  onWrite(listener: WriteListener): void {
    this.#background.notices.add(listener)
  }

  onForget(listener: () => void): void {
    this.#onForget.push(listener)
  }

  forget(): void {
    this.#remembered?.forget()
  }

  lookup(statement: FixedStatement): Promise<readonly RawRow[]> {
    return directRunner(this.#drivers.app, this.#ready().runner).run(printFixed(statement), 'read')
  }

  async system<T>(work: (system: SystemTransaction) => Promise<T>): Promise<T> {
    const { runner: parts, session, gate } = this.#ready()
    const after = new Set<() => void>()
    let changed = false
    const result = await inTransaction(await this.#drivers.system(), parts, async (runner) => {
      const system = new OwnSystemTransaction(runner, committing(session, after), gate !== undefined)
      const done = await work(system)
      changed = system.changed
      return done
    })
    if (changed) this.forget()
    for (const call of after) call()
    return result
  }

  foundTenant(
    draft: TenantDraft,
    scope: (tenant: Tenant) => Scope,
    provision: (transaction: Transaction, tenant: Tenant) => Promise<void>,
  ): Promise<{ readonly tenant: Tenant; readonly founded: boolean }> {
    return this.system(async (system) => {
      const found = await system.found(draft)
      if (found.founded) await provision(await system.within(scope(found.tenant)), found.tenant)
      return found
    })
  }

  async migrate(options: MigrateOptions): Promise<MigrationReport> {
    const { registry, log } = this.#ready().attachment
    const owned = await migrateAsOwner(this.#drivers, () => this.check(), {
      registry,
      rolePrefix: this.#rolePrefix,
      appLogin: this.#options.appLogin,
      systemPassword: this.#options.systemPassword,
      folder: options.folder,
      onProgress: options.onProgress,
      isolation: this.#isolation,
      log,
    })
    if (owned.migrated) this.forget()
    return owned.report
  }

  async check(): Promise<readonly StartupFault[]> {
    const { gate } = this.#ready()
    const faults = asFaults(await checkCatalog(this.#checking))
    return gate && faults.length === 0 ? gate.settle(await checkTenants(this.#checking)) : faults
  }

  async inspect(): Promise<readonly Finding[]> {
    try {
      const findings = await inspectCatalog(this.#checking)
      if (this.#isolation === 'shared') return findings
      return [...findings, ...[...(await checkTenants(this.#checking)).faults.values()].flat()]
    } catch (error) {
      return [unreachable(error)]
    }
  }

  get #checking(): CheckOptions {
    const { registry } = this.#ready().attachment
    return { driver: this.#drivers.app, registry, rolePrefix: this.#rolePrefix, isolation: this.#isolation }
  }

  startBackground(): void {
    this.#background.start(this.#ready().attachment, (work) => this.system(work))
  }

  lead(name: string, work: (check: () => Promise<void>) => Promise<void>): Promise<boolean> {
    return this.#background.lead(name, work)
  }

  async systemStatement(statement: FixedStatement): Promise<readonly RawRow[]> {
    return directRunner(await this.#drivers.system(), this.#ready().runner).run(printFixed(statement), 'other')
  }

  async library(
    text: string,
    parameters: readonly LibraryValue[] = [],
    plan: 'kept' | 'anew' = 'kept',
  ): Promise<readonly RawRow[]> {
    const { shapes } = this.#ready().runner
    const printed = printLibrary(text, parameters, plan)
    const system = await this.#drivers.system()
    return system.query(text, printed.parameters, { prepare: shapes.admit(printed) })
  }

  waitedMs(): number {
    return this.#drivers.app.waitedMs?.() ?? 0
  }

  async ping(): Promise<void> {
    await inTransaction(this.#probe, this.#ready().runner, refuseReadOnly)
  }

  async recheck(): Promise<readonly StartupFault[]> {
    return asFaults(await checkRowSecurityNow({ ...this.#checking, driver: this.#probe }, this.#ready().gate))
  }

  /** Behind a line of requests the question would be whether there are many. */
  get #probe(): Driver {
    return this.#drivers.probe?.() ?? this.#drivers.app
  }

  async close(): Promise<void> {
    await this.#attached?.together?.flush()
    await this.#background.stop()
    await this.#drivers.close()
  }

  get #isolation(): Isolation {
    return this.#options.isolation ?? 'shared'
  }

  get #rolePrefix(): string {
    return this.#options.rolePrefix ?? 'plinth_'
  }

  #ready(): Attached {
    if (!this.#attached) throw new Error('the database was not attached: createPlinth() does that')
    return this.#attached
  }
}
