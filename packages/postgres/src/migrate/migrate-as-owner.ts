import { StartupError, type MigrationReport, type StartupFault } from '@plinth/core'
import type { Driver, Drivers } from '../drivers/driver.ts'
import { reaching } from '../errors/reaching.ts'
import { migrateDatabase } from './migrate-database.ts'

type Migrating = Omit<Parameters<typeof migrateDatabase>[0], 'owner'>

/**
 * Migrates by the owner's login. A process without one may start all the same where another one has migrated.
 * @param check compares the live database with what is declared
 * @throws StartupError
 */
export async function migrateAsOwner(
  drivers: Drivers,
  check: () => Promise<readonly StartupFault[]>,
  migrating: Migrating,
): Promise<{ readonly report: MigrationReport; readonly migrated: boolean }> {
  let owner: Driver
  try {
    owner = await drivers.owner()
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    return { report: await withoutOwner(error, check), migrated: false }
  }
  return { report: await reaching(() => migrateDatabase({ ...migrating, owner })), migrated: true }
}

async function withoutOwner(
  refused: StartupError,
  check: () => Promise<readonly StartupFault[]>,
): Promise<MigrationReport> {
  const faults = await check()
  if (faults.length > 0) throw new StartupError([...refused.faults, ...faults])
  const warnings = ['DATABASE_OWNER_URL is not set: nothing was migrated, and nothing needed to be']
  return { applied: [], warnings, failed: [] }
}
