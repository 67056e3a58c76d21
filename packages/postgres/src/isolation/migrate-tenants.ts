import { logEvents, StartupError, type Logger, type Registry, type StartupFault } from '@plinth/core'
import type { Connection, Driver } from '../drivers/driver.ts'
import type { Added } from '../migrate/add-missing.ts'
import { lockedTransaction } from '../migrate/locked-transaction.ts'
import { becomeRole } from '../migrate/run-step.ts'
import type { RoleNames } from '../roles/role-names.ts'
import { tenantTables, type PlacedTables } from './place-tables.ts'
import { schemaDigests } from './schema-digests.ts'
import { tenantSchema } from './tenant-schema.ts'

export interface MigrateTenantsOptions {
  readonly owner: Driver
  readonly registry: Registry
  readonly roles: RoleNames
  readonly log: Logger
  /** Brings the tables of one schema to what is declared, inside a transaction under the migration lock. */
  readonly migrateSchema: (
    connection: Connection,
    tenantId: string,
    schema: string,
    tables: PlacedTables,
  ) => Promise<Added>
  /** Read once, as the owner: which schemas have everything that is run beside what is declared. */
  readonly readDone?: (connection: Connection) => Promise<(schema: string) => boolean>
}

export interface MigratedTenants extends Added {
  /** One for each tenant whose schema could not be brought up to date. */
  readonly failed: readonly StartupFault[]
}

/** How often a long migration says how far it is. */
const TELL_EVERY = 50

/**
 * Every tenant's schema, each in a transaction of its own. What is done stays done: cut off, the next run goes on where this
 * one ended, because it looks at what is there. A tenant that fails is rolled back and reported, and the others go on: one
 * customer's odd row must not keep a thousand others from their tables.
 */
export async function migrateTenants(options: MigrateTenantsOptions): Promise<MigratedTenants> {
  const { owner, registry, roles, log } = options
  const { tenants, digests, isDone } = await lockedTransaction(owner, async (connection) => {
    const known = await schemaDigests(connection)
    await becomeRole(connection, roles.owner)
    const rows = await connection.query('select id, slug from plinth.tenants order by id')
    return {
      digests: known,
      tenants: rows.map((row) => ({ id: String(row['id']), slug: String(row['slug']) })),
      isDone: (await options.readDone?.(connection)) ?? (() => true),
    }
  })
  const applied: string[] = []
  const warnings = new Set<string>()
  const failed: StartupFault[] = []
  const upToDate = new Set<string>()
  for (const [at, tenant] of tenants.entries()) {
    const schema = tenantSchema(tenant.id)
    const digest = digests.get(schema)
    // Alike in everything that is compared with one that lacked nothing.
    if (digest !== undefined && upToDate.has(digest) && isDone(schema)) continue
    if (at > 0 && at % TELL_EVERY === 0)
      log.info(logEvents.migrationStep, { words: `tenant ${at} of ${tenants.length}`, failed: failed.length })
    try {
      const done = await lockedTransaction(owner, (connection) =>
        options.migrateSchema(connection, tenant.id, schema, tenantTables(registry, schema)),
      )
      if (done.applied.length === 0 && digest !== undefined) upToDate.add(digest)
      if (done.applied.length > 0) applied.push(`tenant ${tenant.slug}: ${done.applied.join(', ')}`)
      for (const warning of done.warnings) warnings.add(warning)
    } catch (error) {
      failed.push(...faultsOf(tenant.slug, schema, error))
      log.error(logEvents.migrationWarning, { tenant: tenant.id, error })
    }
  }
  return { applied, warnings: [...warnings], failed }
}

function faultsOf(slug: string, schema: string, error: unknown): readonly StartupFault[] {
  const path = `tenant ${slug} (schema ${schema})`
  if (error instanceof StartupError) return error.faults.map((fault) => ({ ...fault, path: `${path} ${fault.path}` }))
  const problem = error instanceof Error ? error.message : String(error)
  return [{ path, problem, fix: 'mend what it names, then run plinth.migrate() again; the other tenants are done' }]
}
