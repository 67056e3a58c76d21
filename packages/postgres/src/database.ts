import { StartupError } from '@plinth/core'
import type {
  Attachment,
  Database,
  Finding,
  MigrateOptions,
  MigrationReport,
  Scope,
  Session,
  StartupFault,
  Tenant,
  Transaction,
} from '@plinth/core'
import { checkCatalog, type CheckOptions } from './catalog/check-catalog.ts'
import { asFaults, unreachable } from './catalog/fault.ts'
import { inspectCatalog } from './catalog/inspect-catalog.ts'
import { verifyTables } from './catalog/verify-tables.ts'
import type { Driver, Drivers } from './drivers/driver.ts'
import { classify } from './errors/connection-trouble.ts'
import { checkTenants } from './isolation/check-tenants.ts'
import { verifyPlaces } from './isolation/place-tables.ts'
import { beginsIn, inSearchPath, searchPathOf } from './isolation/search-path.ts'
import { makeTenantSchema } from './isolation/make-tenant-schema.ts'
import { TenantGate } from './isolation/tenant-gate.ts'
import type { Isolation } from './isolation/tenant-schema.ts'
import { migrateDatabase } from './migrate/migrate-database.ts'
import { Relay } from './relay/relay.ts'
import { directRunner, inTransaction, type RunnerParts } from './session/runner.ts'
import { assertTenant, ScopedSession, type SessionParts } from './session/scoped-session.ts'
import { ScopedTransaction } from './session/scoped-transaction.ts'
import { TableFields } from './session/table-fields.ts'
import { insertTenant, TenantLookup } from './session/tenant-lookup.ts'
import { tableOf, TextCache } from './statements/printing.ts'
import { Sweep } from './sweep/sweep.ts'
import { compileRecords } from './statements/records.ts'
import { ShapeCache } from './statements/shape-cache.ts'

export interface DatabaseOptions {
  /** For messages and health: `postgres` or `embedded`. Default: the kind of the drivers. */
  readonly kind?: string
  readonly faults?: readonly StartupFault[]
  /** What the names of the roles begin with. Default `plinth_`. */
  readonly rolePrefix?: string
  /** Default `shared`. */
  readonly isolation?: Isolation
  /** The runtime login, as DATABASE_URL names it; migrate() makes it a member of the runtime role. */
  readonly appLogin?: { readonly user: string; readonly password?: string | undefined } | undefined
  /** The password that migrate() gives to the system role. */
  readonly systemPassword?: string | undefined
  /** Whether policies written in code read facts about the principal; each statement then sets two settings more. */
  readonly policyFacts?: boolean
  /** The connections of the relay, where they are not those of the system role (a direct URL past PgBouncer). */
  readonly relayDriver?: () => Promise<Driver>
  readonly relay?: { readonly pollMs?: number; readonly backoffMs?: number }
}

/** What exists once the platform is put together. */
interface Attached {
  readonly attachment: Attachment
  readonly runner: RunnerParts
  readonly session: SessionParts
  /** Where each tenant has a schema. */
  readonly gate: TenantGate | undefined
}

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
  readonly #drivers: Drivers
  readonly #options: DatabaseOptions
  #attached: Attached | undefined
  #tenants: TenantLookup | undefined
  #relay: Relay | undefined
  #sweep: Sweep | undefined

  constructor(drivers: Drivers, options: DatabaseOptions) {
    this.kind = options.kind ?? drivers.kind
    this.faults = options.faults ?? []
    this.#drivers = drivers
    this.#options = options
  }

  attach(attachment: Attachment): readonly StartupFault[] {
    const { registry } = attachment
    const faults: StartupFault[] = [...verifyTables(registry), ...verifyPlaces(registry, this.#isolation)]
    const withFacts = this.#options.policyFacts ?? false
    const records = compileRecords(attachment.registry, withFacts, faults)
    const translation = { fields: new TableFields(attachment.registry), recorded: records.tables }
    const resources = attachment.registry.resources.length
    const runner = { shapes: new ShapeCache(resources), translation }
    this.#attached = {
      attachment,
      runner,
      session: {
        printing: { records, withFacts, texts: new TextCache(resources), tableOf: tableOf(this.#isolation) },
        onEvent: () => this.#relay?.poke(),
      },
      gate:
        this.#isolation === 'schema'
          ? new TenantGate((schema) => checkTenants({ ...this.#checking, schema }), attachment.log)
          : undefined,
    }
    const direct = directRunner(this.#drivers.app, runner)
    this.#tenants = new TenantLookup((text, parameters) => direct.run({ text, parameters, shape: 'fixed' }, 'read'))
    return faults
  }

  session(scope: Scope): Session {
    assertTenant(scope)
    const { runner, session, gate } = this.#ready()
    if (!gate) return new ScopedSession(scope, directRunner(this.#drivers.app, runner), session)
    gate.assertOpen(scope.tenantId)
    const connection = inSearchPath(this.#drivers.app, searchPathOf(scope.tenantId))
    return new ScopedSession(scope, directRunner(connection, runner), session)
  }

  transaction<T>(scope: Scope, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#transaction(() => Promise.resolve(this.#drivers.app), scope, work)
  }

  systemTransaction<T>(scope: Scope, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#transaction(() => this.#drivers.system(), scope, work)
  }

  async #transaction<T>(
    open: () => Promise<Driver>,
    scope: Scope,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    assertTenant(scope)
    const { runner: parts, session, gate } = this.#ready()
    gate?.assertOpen(scope.tenantId)
    let announced = false
    const onEvent = (): void => void (announced = true)
    const driver = await open()
    const begun = gate ? beginsIn(driver, searchPathOf(scope.tenantId)) : driver
    const result = await inTransaction(begun, parts, (runner) =>
      work(new ScopedTransaction(scope, runner, { ...session, onEvent })),
    )
    // Not before: the relay would look and find nothing.
    if (announced) session.onEvent()
    return result
  }

  findTenant(idOrSlug: string): Promise<Tenant | undefined> {
    this.#ready()
    return this.#tenants?.find(idOrSlug) ?? Promise.resolve(undefined)
  }

  async foundTenant(
    draft: { readonly slug: string; readonly name: string },
    scope: (tenant: Tenant) => Scope,
    provision: (transaction: Transaction, tenant: Tenant) => Promise<void>,
  ): Promise<{ readonly tenant: Tenant; readonly founded: boolean }> {
    const { runner: parts, session, gate } = this.#ready()
    let announced = false
    const onEvent = (): void => void (announced = true)
    const outcome = await inTransaction(await this.#drivers.system(), parts, async (runner) => {
      const found = await insertTenant(runner, draft)
      if (found.founded && gate) await makeTenantSchema(runner, found.tenant.id)
      if (found.founded)
        await provision(new ScopedTransaction(scope(found.tenant), runner, { ...session, onEvent }), found.tenant)
      return found
    })
    this.#tenants?.forget()
    if (announced) session.onEvent()
    return outcome
  }

  async migrate(options: MigrateOptions): Promise<MigrationReport> {
    const { attachment } = this.#ready()
    let owner: Driver
    try {
      owner = await this.#drivers.owner()
    } catch (error) {
      if (!(error instanceof StartupError)) throw error
      return this.#withoutOwner(error)
    }
    const report = await this.#reaching(() =>
      migrateDatabase({
        owner,
        registry: attachment.registry,
        rolePrefix: this.#rolePrefix,
        appLogin: this.#options.appLogin,
        systemPassword: this.#options.systemPassword,
        folder: options.folder,
        onProgress: options.onProgress,
        isolation: this.#isolation,
        log: attachment.log,
      }),
    )
    this.#tenants?.forget()
    return report
  }

  /** A database that cannot be reached at start is a fault in words, not a stack. */
  async #reaching<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof StartupError || classify(error).kind !== 'connection') throw error
      const words = error instanceof Error ? error.message : String(error)
      throw new StartupError([
        {
          path: 'DATABASE_OWNER_URL',
          problem: `cannot be reached: ${words}`,
          fix: 'start PostgreSQL there, or mend the URL',
        },
      ])
    }
  }

  /** A process without the owner's login may start all the same where another one has migrated. */
  async #withoutOwner(refused: StartupError): Promise<MigrationReport> {
    const faults = await this.check()
    if (faults.length > 0) throw new StartupError([...refused.faults, ...faults])
    const warnings = ['DATABASE_OWNER_URL is not set: nothing was migrated, and nothing needed to be']
    return { applied: [], warnings, failed: [] }
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
    const { attachment } = this.#ready()
    this.#sweep ??= new Sweep(() => this.#drivers.system(), attachment.log)
    this.#sweep.start()
    // Where nobody listens nothing is stored, and nobody needs to look.
    if (attachment.registry.listened.size === 0 || this.#relay) return
    this.#relay = new Relay({
      driver: this.#options.relayDriver ?? (() => this.#drivers.system()),
      deliver: attachment.deliver,
      log: attachment.log,
      ...this.#options.relay,
    })
    this.#relay.start()
  }

  async ping(): Promise<void> {
    const { runner } = this.#ready()
    await directRunner(this.#drivers.app, runner).run(
      { text: 'select 1 as "one"', parameters: [], shape: 'fixed' },
      'read',
    )
  }

  async close(): Promise<void> {
    await this.#sweep?.stop()
    await this.#relay?.stop()
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
