import type { Registry } from '@plinth/core'
import { findTable, type Catalog } from '../catalog/catalog.ts'
import { readSchemaCatalog } from '../catalog/read-catalog.ts'
import type { Connection } from '../drivers/driver.ts'
import type { Added } from '../migrate/add-missing.ts'
import { compareTables } from '../migrate/compare-tables.ts'
import { labelled, type Folder } from '../migrate/drizzle-folder.ts'
import { runSteps } from '../migrate/run-step.ts'
import { securingSteps } from '../migrate/secure-table.ts'
import { verifyFolder } from '../migrate/verify-folder.ts'
import type { RoleNames } from '../roles/role-names.ts'
import { identifier, literal } from '../statements/quote.ts'
import { inSchema, noteFolder } from './tenant-journal.ts'
import { tenantTables } from './place-tables.ts'
import {
  closingStatement,
  digest,
  findFunction,
  functionSteps,
  isFunctionCurrent,
  replayingSource,
  schemaStatements,
} from './tenant-schema-function.ts'
import { PLACE, tenantSchema } from './tenant-schema.ts'

/** Of nobody. It is there within one transaction only. */
const TRIED = tenantSchema('00000000-0000-0000-0000-000000000000')

/**
 * Makes or renews the function that makes a new tenant's schema, so that it replays the folder: views, triggers and whatever
 * else people wrote into it are in no declaration, and a new customer must not lack them. It is tried first, in a schema that is
 * dropped again: a folder that does not lead to what is declared is found here, before any tenant is touched.
 * @throws MigrationRefused, MigrationStepError
 */
export async function ensureReplay(
  connection: Connection,
  catalog: Catalog,
  registry: Registry,
  roles: RoleNames,
  replay: Folder,
): Promise<Added> {
  const made = [...schemaStatements(roles), pathStatement, ...replay.migrations.flatMap((one) => one.statements)]
  const folder = digest(JSON.stringify([made, replay.migrations.at(-1)?.folderMillis]))
  if (isFunctionCurrent(findFunction(catalog), registry, roles, folder)) return { applied: [], warnings: [] }
  const [before] = await connection.query(`select current_setting('search_path') as path`)
  const words = 'tried what a new tenant gets'
  await runSteps(
    connection,
    inSchema(
      [...schemaStatements(roles), pathStatement].map((sql) => ({ sql, words })),
      TRIED,
    ),
  )
  for (const migration of replay.migrations)
    await runSteps(connection, inSchema(labelled(migration, replay.path), TRIED))
  await connection.query(`select set_config('search_path', $1::text, true)`, [String(before?.['path'])])
  const { declared } = tenantTables(registry, TRIED)
  const tried = await readSchemaCatalog(connection, TRIED)
  const warnings = await verifyFolder(connection, compareTables(declared, tried), replay.path)
  const closing = tenantTables(registry, PLACE).secured.map((table) => closingStatement(table, roles))
  await runSteps(
    connection,
    inSchema(
      closing.map((sql) => ({ sql, words })),
      TRIED,
    ),
  )
  const closed = await readSchemaCatalog(connection, TRIED)
  const securing = tenantTables(registry, PLACE).secured.flatMap((table) => {
    const live = findTable(closed, TRIED, table.name)
    return live ? securingSteps(table, live, roles).map((step) => step.sql) : []
  })
  await runSteps(connection, [{ sql: `drop schema ${TRIED} cascade`, words }])
  const source = replayingSource(registry, roles, folder, [...made, ...closing, ...securing, noteFolder(replay)])
  const steps = functionSteps(source, roles)
  await runSteps(connection, steps)
  return { applied: [steps[0]!.words], warnings }
}

/** Types of extensions and of the product lie in `public`. */
const pathStatement = `select set_config('search_path', ${literal(`${identifier(PLACE)}, public, pg_temp`)}, true)`
