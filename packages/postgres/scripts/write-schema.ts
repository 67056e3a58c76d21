/*
 * Writes schema/platform.json from a fresh migration: node packages/postgres/scripts/write-schema.ts
 * On PGlite, so that nothing has to be installed; a test compares the file with PostgreSQL too.
 */
import { writeFileSync } from 'node:fs'
import { readCatalog } from '../src/catalog/read-catalog.ts'
import { platformSchema } from '../src/catalog/platform-schema.ts'
import { pgliteDrivers } from '../src/drivers/pglite.ts'
import { migrateDatabase } from '../src/migrate/migrate-database.ts'
import { emptyRegistry, silentLog } from '../tests/migration-fixture.ts'

const file = new URL('../schema/platform.json', import.meta.url)
const drivers = await pgliteDrivers({ dataDir: 'memory://', rolePrefix: 'plinth_' })
const owner = await drivers.owner()
await migrateDatabase({ owner, registry: emptyRegistry, rolePrefix: 'plinth_', log: silentLog })
writeFileSync(file, `${JSON.stringify(platformSchema(await readCatalog(owner)), null, 2)}\n`)
await drivers.close()
console.log('wrote packages/postgres/schema/platform.json')
