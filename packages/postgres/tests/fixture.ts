import { readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import {
  always,
  defineEvent,
  defineResource,
  readDeclaration,
  StartupError,
  type Database,
  type EventRecord,
  type Feature,
  type Logger,
  type Registry,
  type ResourceInfo,
  type Scope,
  type StartupFault,
} from '@plinth/core'
import { ensureRole, loginUrl, templateDatabase } from '../../testing/src/server/databases.ts'
import type {} from '../../testing/src/server/vitest-global-setup.ts'
import { databaseFrom } from '../src/database.ts'
import type { DatabaseOptions } from '../src/database-options.ts'
import type { Driver, Drivers } from '../src/drivers/driver.ts'
import { pgliteDrivers } from '../src/drivers/pglite.ts'
import { postgresDrivers } from '../src/postgres.ts'
import { tenantSchema, type Isolation } from '../src/isolation/tenant-schema.ts'
import { fillRoleNames, roleNames } from '../src/roles/role-names.ts'
import { history, notes, projects, samples, sites, tablesSql } from './fixture-tables.ts'

export { history, notes, projects, samples, sites } from './fixture-tables.ts'

export const rolePrefix = 'plinth_'

function prepareSql(collation: string, isolation: Isolation): string {
  const folder = new URL('../migrations/', import.meta.url)
  const files = readdirSync(folder).sort()
  const platformSql = files.map((file) => `${readFileSync(new URL(file, folder), 'utf8')}\nreset role;\n`).join('')
  const sql = `${platformSql}${tablesSql(collation, isolation)}`
  return `begin;\n${fillRoleNames(sql, roleNames(rolePrefix))}\ncommit;`
}

export interface Opened {
  readonly drivers: Drivers
  /** As superuser: sees and may do all. */
  readonly owner: Driver
  /** The superuser's URL; empty on PGlite. */
  readonly url: string
  /** Where a table of the fixture lies, in SQL. */
  table(name: string, tenantId: string): string
  /** What founding does. Nothing where the tables are shared. */
  makeTables(tenantId: string): Promise<void>
  close(): Promise<void>
}

// `attach` is given drivers, and must speak to them as they were opened.
const isolations = new WeakMap<Drivers, Isolation>()

function placed(owner: Driver, isolation: Isolation): Pick<Opened, 'table' | 'makeTables'> {
  const schemas = isolation === 'schema'
  return {
    table: (name, tenantId) => `${schemas ? tenantSchema(tenantId) : 'public'}.${name}`,
    async makeTables(tenantId) {
      if (schemas) await owner.query('select plinth.make_tenant_schema($1::uuid)', [tenantId])
    },
  }
}

/** @param collation of the text columns of `samples`; empty for the default */
export async function openServer(serverUrl: string, collation = '', isolation: Isolation = 'shared'): Promise<Opened> {
  const roles = roleNames(rolePrefix)
  for (const role of [roles.app, roles.system]) await ensureRole(serverUrl, role, 'login')
  for (const role of [roles.owner, roles.lookup, roles.backup]) await ensureRole(serverUrl, role, 'nologin')
  const sql = prepareSql(collation, isolation)
  const database = await templateDatabase(serverUrl, sql, async (url) => {
    const template = postgresDrivers(url, { ownerUrl: url })
    await (await template.owner()).script(sql)
    await template.close()
  })
  const drivers = postgresDrivers(loginUrl(database.url, roles.app), { ownerUrl: database.url, rolePrefix, max: 10 })
  isolations.set(drivers, isolation)
  const owner = await drivers.owner()
  return {
    drivers,
    owner,
    url: database.url,
    ...placed(owner, isolation),
    async close() {
      await drivers.close()
      await database.drop()
    },
  }
}

export async function openPGlite(isolation: Isolation = 'shared'): Promise<Opened> {
  const drivers = await pgliteDrivers({ dataDir: 'memory://', rolePrefix })
  const owner = await drivers.owner()
  const { owner: ownerRole, app, lookup, system, backup } = roleNames(rolePrefix)
  await owner.script([ownerRole, app, lookup, system, backup].map((role) => `create role ${role};`).join('\n'))
  await owner.script(prepareSql('', isolation))
  isolations.set(drivers, isolation)
  return { drivers, owner, url: '', ...placed(owner, isolation), close: () => drivers.close() }
}

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
}

export interface Attached {
  readonly database: Database
  readonly registry: Registry
  readonly resource: (table: object) => ResourceInfo
}

/** A database over open drivers, attached to the fixture's resources and the features given. */
export function attach(
  drivers: Drivers,
  features: readonly Feature[] = [],
  options: DatabaseOptions & { readonly deliver?: (event: EventRecord) => Promise<void> } = {},
): Attached {
  const faults: StartupFault[] = []
  const resources = [
    defineResource({ table: sites }),
    defineResource({
      table: projects,
      fields: { contactEmail: { personal: 'email' }, token: { secret: true }, internal: { hidden: true } },
    }),
    defineResource({ table: notes }),
    defineResource({
      table: samples,
      fields: Object.fromEntries(
        ['label', 'whole', 'amount', 'at', 'rank', 'title'].map((key) => [key, { sort: true, filter: true }]),
      ),
    }),
  ]
  const registry = readDeclaration(resources, features, faults)
  if (faults.length > 0) throw new StartupError(faults)
  const database = databaseFrom(drivers, { rolePrefix, isolation: isolations.get(drivers) ?? 'shared', ...options })
  const found = database.attach({
    registry,
    log: silent,
    clock: { now: () => new Date() },
    async deliver(event) {
      await options.deliver?.(event)
      return false
    },
  })
  if (found.length > 0) throw new StartupError(found)
  const resource = (table: object): ResourceInfo => {
    const info = registry.byTable.get(table)
    if (!info) throw new Error('no such resource')
    return info
  }
  return { database, registry, resource }
}

/** A feature that records every write, with a fixed note. */
export function recording(note = 'kept'): Feature {
  return {
    name: 'history',
    record: (write) => [
      {
        table: history,
        values: {
          tenantId: write.tenantId,
          id: write.newId,
          rowId: write.id,
          version: write.version,
          who: write.actorId,
          event: write.event,
          requestId: write.requestId,
          at: write.time,
          before: write.before,
          after: write.after,
          note,
        },
      },
    ],
  }
}

/** Where from, for whom, and what was masked as well; of events too. */
export function recordingAll(): Feature {
  return {
    name: 'history',
    record: (write) => [
      {
        table: history,
        values: {
          tenantId: write.tenantId,
          id: write.newId,
          rowId: write.id,
          version: write.version,
          who: write.onBehalfOf,
          event: write.eventType,
          requestId: write.address,
          at: write.time,
          before: write.masked,
          after: write.personal,
          note: write.userAgent,
        },
      },
    ],
    recordEvent: (event) => [
      {
        table: history,
        values: {
          tenantId: event.tenantId,
          id: event.newId,
          rowId: event.key,
          version: 0,
          who: event.onBehalfOf,
          event: event.eventType,
          requestId: event.address,
          at: event.time,
          before: event.before,
          after: event.data,
          note: event.userAgent,
        },
      },
    ],
  }
}

/** Hears a type; one that no generated write has is declared, with any data. */
export function listening(type: string): Feature {
  const generated = type === '*' || /\.(created|updated|deleted)$/.test(type)
  return {
    name: 'listener',
    events: generated ? [] : [defineEvent(type, { schema: z.unknown() })],
    on: { [type]: () => Promise.resolve() },
  }
}

export function scopeOf(tenantId: string, given: Partial<Scope> = {}): Scope {
  return {
    tenantId,
    actor: { kind: 'user', id: 'ann' },
    facts: { principalId: 'ann', userId: null, groupIds: [] },
    requestId: 'request-1',
    now: new Date('2026-11-20T20:54:57.107Z'),
    ...given,
  }
}

export const everything = { visible: always, allowed: always, ifVersion: undefined } as const
