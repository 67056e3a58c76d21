import { randomUUID } from 'node:crypto'
import {
  PlinthError,
  problem,
  rolesIn,
  scopeOf,
  statement,
  systemPrincipal,
  type Platform,
  type PortableTables,
  type SystemTransaction,
} from '@plinth/core'
import { tenantWithin } from '../directory/tenant-within.ts'
import { UsersArriving } from './arriving-users.ts'
import { placeOf, rowOf, type ArchiveProgress } from './export-tenant.ts'
import { archiveInvalid, USERS, type ArchivedTenant, type Section } from './format.ts'
import type { ImportReport } from './import-tenant.ts'
import type { ArchiveCipher } from './passphrase.ts'
import { placeSection, type PlacedSection } from './placed-section.ts'
import { readArchive, type ArchiveSource } from './read-archive.ts'
import { foundArriving } from './tenant-arriving.ts'
import { travellingTables, type TravellingTable } from './travelling-tables.ts'
import { faultOf } from './value-fault.ts'

export interface ArrivalOptions {
  /** Slug under which it arrives; where its id is taken too, it gets a new one. Default: that of the archive. */
  readonly as?: string | undefined
  /** Does all of it, and takes all of it back. */
  readonly dryRun?: boolean | undefined
  readonly onProgress?: ((progress: ArchiveProgress) => void) | undefined
}

/** One arrival of a tenant, in the transaction that brings all of him. */
export class Arrival {
  readonly #platform: Platform
  readonly #system: SystemTransaction
  readonly #source: ArchiveSource
  readonly #options: ArrivalOptions
  readonly #cipher: ArchiveCipher | undefined
  readonly #users: UsersArriving
  readonly #here = new Set<string>()
  readonly #largest = new Map<PlacedSection, Map<number, bigint>>()
  readonly #notes: string[] = []
  #rows = 0

  constructor(
    platform: Platform,
    system: SystemTransaction,
    source: ArchiveSource,
    options: ArrivalOptions,
    cipher: ArchiveCipher | undefined,
  ) {
    this.#platform = platform
    this.#system = system
    this.#source = source
    this.#options = options
    this.#cipher = cipher
    this.#users = new UsersArriving(system, platform.clock.now())
  }

  async run(): Promise<ImportReport> {
    let archived: ArchivedTenant | undefined
    let tenantId = ''
    let tables: PortableTables | undefined
    let going: readonly TravellingTable[] = []
    let placed: PlacedSection | undefined
    let rows = 0
    const unsettled: PlacedSection[] = []
    const done = (table: string | undefined): void => {
      if (table === undefined) return
      this.#here.add(table)
      this.#options.onProgress?.({ table, rows, done: true })
    }
    let current: string | undefined
    for await (const part of readArchive(this.#source)) {
      if (part.kind === 'head') {
        archived = part.head.tenant
        tenantId = await foundArriving(this.#system, archived, this.#options.as)
        tables = await this.#system.portable(tenantId, 'written')
        going = travellingTables(this.#platform, tables.tables)
      } else if (part.kind === 'table') {
        done(current)
        current = part.section.table
        rows = 0
        placed = this.#place(part.section, going)
        if (placed && placed.later.length > 0) unsettled.push(placed)
      } else if (part.kind === 'rows') {
        rows += part.rows.length
        this.#rows += part.rows.length
        if (placed) await this.#write(tables!, placed, part.rows, tenantId, rows)
        else await this.#users.take(part.rows)
        this.#options.onProgress?.({ table: part.section.table, rows, done: false })
      } else {
        done(current)
        for (const [table, count] of Object.entries(part.end.left))
          this.#notes.push(`not in the archive: ${count} sealed ${count === 1 ? 'row' : 'rows'} of ${table}`)
      }
    }
    if (unsettled.length > 0) await this.#settle(tables!, unsettled)
    await this.#refuseUnknownRoles(tenantId)
    const report = await this.#end(archived!, tenantId)
    // Sequences belong to all tenants, and no transaction takes back that one was moved on: last, and not for what will not stay.
    await this.#moveNumbers(tables!)
    return report
  }

  /** @returns undefined for the users, who are no table of a tenant */
  #place(section: Section, going: readonly TravellingTable[]): PlacedSection | undefined {
    if (section.table !== USERS) return placeSection(section, going, this.#here)
    if (this.#here.size > 0) throw archiveInvalid('The users of the archive do not stand before the other tables.')
    UsersArriving.assertColumns(section)
    return undefined
  }

  async #write(
    tables: PortableTables,
    placed: PlacedSection,
    rows: readonly (readonly (string | null)[])[],
    tenantId: string,
    upTo: number,
  ): Promise<void> {
    const arriving = rows.flatMap((row) => this.#arriving(placed, row, tenantId))
    if (arriving.length === 0) return
    this.#count(placed, arriving)
    const columns = placed.first.map((at) => placed.columns[at]!)
    const values = arriving.map((row) => placed.first.map((at) => row[at] ?? null))
    await inWords(placed, `rows ${upTo - rows.length + 1} to ${upTo}`, () =>
      tables.insert(placed.table, columns, values),
    )
  }

  /** A row as it is written here; nothing where it holds a secret that cannot be opened. */
  #arriving(
    placed: PlacedSection,
    row: readonly (string | null)[],
    tenantId: string,
  ): readonly (readonly (string | null)[])[] {
    const { going, table, columns } = placed
    const { sealed } = going.travel
    const where = (name: string): string =>
      placeOf(
        table.name,
        name,
        placed.key.map((at) => row[at] ?? null),
      )
    const mapped = row.map((value, at) => this.#mapped(placed, at, value))
    for (const [at, name] of columns.entries()) {
      const fault = faultOf(placed.types[at]!, row[at] ?? null)
      if (fault !== undefined) throw archiveInvalid(`A row of ${table.name}: ${name} ${fault}.`)
    }
    for (const [at, name] of columns.entries()) {
      const value = mapped[at]
      if (value === null || value === undefined) continue
      const isSealed = sealed?.column === name
      if (!isSealed && !going.secret.has(name)) continue
      if (!this.#cipher) {
        if (isSealed) return this.#leave(table.name)
        mapped[at] = this.#without(placed, name)
        continue
      }
      const opened = this.#cipher.open(value, where(name))
      mapped[at] = isSealed
        ? this.#platform.secrets.seal(opened, sealed.context(tenantId, rowOf(columns, mapped)))
        : opened
    }
    const fault = going.travel.refuses?.(this.#platform, rowOf(columns, mapped))
    if (fault !== undefined) throw archiveInvalid(`A row of ${table.name}: ${fault}.`)
    return [mapped]
  }

  #mapped({ users, table, columns }: PlacedSection, at: number, value: string | null): string | null {
    const how = users.get(at)
    if (how === undefined || value === null) return value
    const here = this.#users.ids.get(value)
    if (here !== undefined) return here
    // Whoever is meant, he is not among the people of the archive: nobody becomes a member of what he does not know.
    if (how === 'must')
      throw archiveInvalid(`${table.name}.${columns[at]!} names a user who is not among those of the archive.`)
    return value
  }

  readonly #leftOut = new Map<string, number>()

  #leave(table: string): readonly [] {
    this.#leftOut.set(table, (this.#leftOut.get(table) ?? 0) + 1)
    return []
  }

  #without({ table }: PlacedSection, name: string): null {
    if (table.columns.find((column) => column.name === name)?.notNull)
      throw archiveInvalid(`${table.name}.${name} is secret and may not be empty: import with the passphrase.`)
    const words = `${table.name}.${name}`
    this.#leftOut.set(words, (this.#leftOut.get(words) ?? 0) + 1)
    return null
  }

  #count(placed: PlacedSection, rows: readonly (readonly (string | null)[])[]): void {
    for (const at of placed.identity) {
      const largest = this.#largest.get(placed) ?? new Map<number, bigint>()
      this.#largest.set(placed, largest)
      for (const row of rows) {
        const value = row[at]
        if (typeof value !== 'string' || !/^-?\d{1,19}$/.test(value)) continue
        const number = BigInt(value)
        if (number > (largest.get(at) ?? 0n)) largest.set(at, number)
      }
    }
  }

  async #moveNumbers(tables: PortableTables): Promise<void> {
    for (const [section, largest] of this.#largest)
      for (const [at, number] of largest) {
        const numbered = [section.table, section.columns[at]!, String(number)] as const
        await (this.#options.dryRun === true ? tables.refuseNumber(...numbered) : tables.numberAfter(...numbered))
      }
  }

  /** A second look at the rows of which something had to wait for the others. */
  async #settle(tables: PortableTables, unsettled: readonly PlacedSection[]): Promise<void> {
    for await (const part of readArchive(this.#source)) {
      if (part.kind !== 'rows') continue
      const placed = unsettled.find(({ table }) => table.name === part.section.table)
      if (!placed) continue
      const columns = placed.later.map((at) => placed.columns[at]!)
      const values = part.rows
        .map((row) => row.map((value, at) => this.#mapped(placed, at, value)))
        .map((row) => [...placed.key, ...placed.later].map((at) => row[at] ?? null))
      await inWords(placed, 'rows that point at others', () => tables.change(placed.table, columns, values))
    }
  }

  /** @throws archive_invalid */
  async #refuseUnknownRoles(tenantId: string): Promise<void> {
    const rows = await this.#system.run(statement`
      select distinct role from plinth.user_roles where tenant_id = ${tenantId}::uuid`)
    const names = rows.map((row) => String(row['role']))
    const unknown = names.length === 0 ? [] : await rolesIn(this.#platform, this.#system).roles.unknown(tenantId, names)
    if (unknown.length > 0)
      throw archiveInvalid(`Members of the archive have roles that are not here: ${[...unknown].sort().join(', ')}.`)
  }

  async #end(archived: ArchivedTenant, tenantId: string): Promise<ImportReport> {
    const { id, slug } = archived
    // Whoever asked for the end of the tenant asked another platform; here it would be gone with the next sweep.
    const status = archived.status === 'pending_deletion' ? 'closed' : archived.status
    await this.#system.run(statement`
      update plinth.tenants set status = ${status}::text, require_mfa = ${archived.requireMfa}::boolean, plan = ${archived.plan}::text,
        tier = ${archived.tier}::text, version = ${archived.version}::int,
        created_at = ${archived.createdAt}::text::timestamptz, updated_at = ${archived.updatedAt}::text::timestamptz
      where id = ${tenantId}::uuid`)
    const tenant = await tenantWithin(this.#system, tenantId)
    const principal = systemPrincipal(this.#platform.registry.permissions, `importing ${tenant.slug}`)
    const scope = scopeOf(this.#platform, { principal, tenant, requestId: randomUUID() })
    const transaction = await this.#system.within(scope)
    await transaction.emit({
      type: 'tenant.imported',
      key: tenantId,
      data: { id: tenantId, slug: tenant.slug, from: id },
    })
    if (archived.status !== status) this.#notes.push('it was about to be deleted, and is closed here: reactivate it')
    if (archived.plan !== null || archived.tier !== null)
      this.#notes.push(`it says of itself: plan ${archived.plan ?? 'none'}, tier ${archived.tier ?? 'none'}`)
    for (const [what, count] of this.#leftOut)
      this.#notes.push(
        `left out without the passphrase: ${count} secret ${count === 1 ? 'value' : 'values'} of ${what}`,
      )
    this.#notes.push(...this.#users.notes)
    const mapped = Object.fromEntries([...this.#users.ids].filter(([from, to]) => from !== to))
    return {
      tenant: { id: tenantId, slug: tenant.slug, name: tenant.name },
      dryRun: this.#options.dryRun ?? false,
      tables: this.#here.size,
      rows: this.#rows,
      usersCreated: this.#users.created,
      usersMatched: this.#users.matched,
      mapped: { ...(id !== tenantId && { [id]: tenantId }), ...mapped },
      notes: slug === tenant.slug ? this.#notes : [...this.#notes, `it was ${slug}`],
    }
  }
}

/** What the database refuses of a row, with the place where it stands. */
async function inWords({ table }: PlacedSection, place: string, write: () => Promise<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (!PlinthError.is(error) || error.status >= 500) throw error
    const [fault] = error.errors ?? []
    throw problem(error.code === 'already_exists' ? 'already_exists' : 'validation_failed', {
      detail: `${table.name}, ${place}: ${fault?.message ?? error.message}.`,
      cause: error,
    })
  }
}
