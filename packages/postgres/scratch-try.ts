import { index, integer, pgEnum, text, uniqueIndex, unique, check, jsonb, timestamp, numeric, boolean, varchar, bigint } from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm'
import { belongsTo, defineResource, readDeclaration, resourceTable, deletedAt, type StartupFault } from '@plinth/core'
import { postgresJsDriver } from './src/drivers/postgres-js.ts'
import { pgliteDrivers } from './src/drivers/pglite.ts'
import { migrateDatabase } from './src/migrate/migrate-database.ts'
import { checkCatalog } from './src/catalog/check-catalog.ts'
import postgres from 'postgres'
const mood = pgEnum('mood', ['sad', 'glad'])
const sites = resourceTable('sites', { name: text().notNull() })
const projects = resourceTable('projects', { name: text().notNull().default("it's \\ x"), siteId: belongsTo(() => sites), mood: mood().default('sad'), n: integer().default(-5), data: jsonb().default({ a: [1, "x'"] }), at: timestamp({ precision: 3 }).defaultNow(), amount: numeric({ precision: 10, scale: 2 }).default('12.50'), big: bigint({ mode: 'bigint' }).default(5n), flag: boolean().default(true), code: varchar({ length: 20 }).default('a'), status: text({ enum: ['a', 'b'] }), deletedAt: deletedAt(), low: text().generatedAlwaysAs(sql`lower(name)`) },
  (t) => [unique().on(t.tenantId, t.name), uniqueIndex('p_lower').on(t.tenantId, sql`lower(${t.name})`).where(sql`${t.deletedAt} is null`), index().on(t.tenantId, t.n.desc()), check('p_status', sql`${t.status} in ('a','b')`), check('p_n', sql`${t.n} < 10`)])
const faults: StartupFault[] = []
const registry = readDeclaration([defineResource({ table: sites }), defineResource({ table: projects })], [], faults)
console.log(faults)
const log = { debug() {}, info: console.log, warn: console.log, error: console.log, child() { return log } }
const which = process.argv[2]
let owner, app
if (which === 'pglite') { const d = await pgliteDrivers({ dataDir: 'memory://', rolePrefix: 'plinth_' }); owner = await d.owner(); app = d.app }
else {
  const url = `postgres://postgres@127.0.0.1:554${which}/`
  const s = postgres(url + 'postgres', { onnotice() {} }); await s.unsafe('drop database if exists try'); await s.unsafe('create database try'); await s.end()
  const o = { max: 2, applicationName: 't', prepare: false, statementTimeoutMs: 0, connectTimeoutSeconds: 5 }
  owner = postgresJsDriver(url + 'try', o); app = postgresJsDriver(url.replace('postgres@', 'plinth_app:secret@') + 'try', o)
}
const options = { owner, registry, rolePrefix: 'plinth_', appLogin: { user: 'plinth_app', password: 'secret' }, systemPassword: 'other', log: log as never }
let t = performance.now()
console.log(await migrateDatabase(options), performance.now() - t)
t = performance.now()
console.log(await migrateDatabase(options), performance.now() - t)
t = performance.now()
console.log(await checkCatalog({ driver: app, registry, rolePrefix: 'plinth_' }), performance.now() - t)
await owner.close(); await app.close()
