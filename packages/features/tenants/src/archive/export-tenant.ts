import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { Readable, type Writable } from 'node:stream'
import { createGzip } from 'node:zlib'
import {
  problem,
  statement,
  type AuditedCall,
  type Platform,
  type RawRow,
  type SystemTransaction,
  type TravellingRow,
} from '@plinth/core'
import { tellExport } from './tell-export.ts'
import { FORMAT, limits, USERS, userColumns, type ArchivedTenant, type Head, type Section } from './format.ts'
import { newCipher, type ArchiveCipher } from './passphrase.ts'
import { travellingTables, type TravellingTable } from './travelling-tables.ts'

/** How far it is: so many rows of this table. */
export interface ArchiveProgress {
  readonly table: string
  readonly rows: number
  /** Whether these are all. */
  readonly done: boolean
}

export interface ExportOptions {
  /** Under which secrets go along, 12 characters at least. Without one they are left out, and told. */
  readonly passphrase?: string | undefined
  /** Whether columns that are hidden from every caller of the API go along. Default: yes; templates that are pinned are among them. */
  readonly hidden?: boolean | undefined
  readonly onProgress?: ((progress: ArchiveProgress) => void) | undefined
  /** The request in which it is asked for; without one it is the operator's doing, where the database is. */
  readonly by?: AuditedCall | undefined
}

export interface ExportReport {
  readonly tenant: { readonly id: string; readonly slug: string }
  readonly tables: number
  readonly rows: number
  /** Digest of what is in the archive, apart from when and by whom it was made: two of the same rows have the same. */
  readonly sha256: string
  /** What was left out, in words. */
  readonly left: readonly string[]
}

/**
 * Writes one tenant (id or slug) as an archive: all its rows as they are at one moment, whatever is written meanwhile. Memory is
 * bounded by a batch of rows; the transaction is open until the destination has taken everything, so hand in a file and no slow
 * connection.
 * @throws not_found, validation_failed, not_ready where a table says nothing of whether it goes along
 */
export async function exportTenant(
  platform: Platform,
  tenant: string,
  destination: Writable,
  options: ExportOptions = {},
): Promise<ExportReport> {
  // A file that cannot be opened says so at once, long before the first line is written: unheard, that would end the process.
  let broken: { readonly error: unknown } | undefined
  destination.once('error', (error: unknown) => (broken ??= { error }))
  try {
    const cipher = options.passphrase === undefined ? undefined : await newCipher(options.passphrase)
    const found = await platform.database.findTenant(tenant)
    if (!found) throw problem('not_found', { detail: `There is no tenant ${tenant}.` })
    await tellExport(platform, found.id, options)
    let begun = false
    return await platform.database.system(async (system) => {
      // Repeated after a lost connection, it would write a second archive behind the half of the first one.
      if (begun) throw problem('unavailable', { detail: 'The connection to the database was lost. Export again.' })
      begun = true
      const writing = new Writing(platform, system, found.id, cipher, options)
      await pipeline(Readable.from(writing.lines()), createGzip(), destination)
      return writing.report!
    })
  } catch (error) {
    // It may be open by now, and nobody else closes it.
    destination.destroy()
    throw broken ? broken.error : error
  }
}

/** Lines that end with a line feed, and their digest. */
class Writing {
  report: ExportReport | undefined
  readonly #platform: Platform
  readonly #system: SystemTransaction
  readonly #tenantId: string
  readonly #cipher: ArchiveCipher | undefined
  readonly #options: ExportOptions
  readonly #whole = createHash('sha256')
  readonly #left = new Map<string, number>()
  #tables = 0
  #rows = 0

  constructor(
    platform: Platform,
    system: SystemTransaction,
    tenantId: string,
    cipher: ArchiveCipher | undefined,
    options: ExportOptions,
  ) {
    this.#platform = platform
    this.#system = system
    this.#tenantId = tenantId
    this.#cipher = cipher
    this.#options = options
  }

  async *lines(): AsyncGenerator<string> {
    const { clock, title, version } = this.#platform
    const portable = await this.#system.portable(this.#tenantId, 'frozen')
    const going = travellingTables(this.#platform, portable.tables)
    const tenant = await readTenantRow(this.#system, this.#tenantId)
    const sealed = going.flatMap(({ table, travel, secret }) =>
      [...secret, ...(travel.sealed ? [travel.sealed.column] : [])].map((column) => `${table.name}.${column}`),
    )
    // Whoever is made on another platform has his address to prove there.
    const varies = ['exported', `${USERS}.email_verified_at`, ...(this.#cipher ? sealed : [])]
    const head: Head = { plinth: 'tenant archive', format: FORMAT, varies, tenant }
    yield this.#line(head)
    const passphrase = this.#cipher?.said ?? null
    yield `${JSON.stringify({ exported: { at: clock.now().toISOString(), by: `${title} ${version}`, passphrase } })}\n`
    yield* this.#section(
      { table: USERS, key: ['id'], columns: [...userColumns] },
      readUsers(this.#system, this.#tenantId),
    )
    for (const each of going) {
      const { table } = each
      const columns = each.columns.filter((name) => this.#takes(each, name))
      this.#refuseEmptied(each)
      const types = columns.map((name): [string, string] => [
        name,
        table.columns.find((one) => one.name === name)!.type,
      ])
      const rows = this.#leaving(each, columns, portable.read(table, columns))
      yield* this.#section({ table: table.name, key: [...table.key], columns: types }, rows)
    }
    const sha256 = this.#whole.digest('hex')
    const left = Object.fromEntries([...this.#left].sort(([one], [other]) => (one < other ? -1 : 1)))
    yield `${JSON.stringify({ end: 'archive', tables: this.#tables, rows: this.#rows, left, sha256 })}\n`
    this.report = {
      tenant: { id: tenant.id, slug: tenant.slug },
      tables: this.#tables,
      rows: this.#rows,
      sha256,
      left: this.#words(going),
    }
  }

  #line(said: unknown): string {
    const line = `${JSON.stringify(said)}\n`
    this.#whole.update(line)
    return line
  }

  /** One table, a batch at a time; nothing where it has no row. */
  async *#section(
    section: Section,
    batches: AsyncIterable<readonly (readonly (string | null)[])[]>,
  ): AsyncGenerator<string> {
    let digest: ReturnType<typeof createHash> | undefined
    let rows = 0
    for await (const batch of batches) {
      if (batch.length === 0) continue
      let text = digest ? '' : `${JSON.stringify(section)}\n`
      digest ??= createHash('sha256')
      for (const row of batch) {
        const line = JSON.stringify(row)
        if (line.length > limits.line)
          throw problem('validation_failed', {
            detail: `A row of ${section.table} is longer than ${limits.line} characters, which no archive may hold.`,
          })
        text += `${line}\n`
      }
      rows += batch.length
      digest.update(text)
      this.#whole.update(text)
      this.#options.onProgress?.({ table: section.table, rows, done: false })
      yield text
    }
    if (!digest) return
    yield this.#line({ end: section.table, rows, sha256: digest.digest('hex') })
    this.#tables += 1
    this.#rows += rows
    this.#options.onProgress?.({ table: section.table, rows, done: true })
  }

  /** Rows as they go into the archive: what is sealed by this platform is sealed by the passphrase instead, or left out. */
  async *#leaving(
    { table, travel, secret }: TravellingTable,
    columns: readonly string[],
    batches: AsyncIterable<readonly (readonly (string | null)[])[]>,
  ): AsyncGenerator<readonly (readonly (string | null)[])[]> {
    const { sealed } = travel
    if (!sealed && secret.size === 0) return yield* batches
    const keys = table.key.map((name) => columns.indexOf(name))
    for await (const batch of batches) {
      const kept: (readonly (string | null)[])[] = []
      for (const row of batch) {
        const at = sealed ? columns.indexOf(sealed.column) : -1
        if (sealed && row[at] !== null && row[at] !== undefined && !this.#cipher) {
          this.#left.set(table.name, (this.#left.get(table.name) ?? 0) + 1)
          continue
        }
        kept.push(
          row.map((value, place) => {
            if (value === null || !this.#cipher) return value
            const where = placeOf(
              table.name,
              columns[place]!,
              keys.map((key) => row[key] ?? null),
            )
            if (place === at) {
              const context = sealed!.context(this.#tenantId, rowOf(columns, row))
              return this.#cipher.seal(this.#platform.secrets.open(value, context), where)
            }
            return secret.has(columns[place]!) ? this.#cipher.seal(value, where) : value
          }),
        )
      }
      yield kept
    }
  }

  #takes({ secret, hidden }: TravellingTable, name: string): boolean {
    if (hidden.has(name) && this.#options.hidden === false) return false
    return this.#cipher !== undefined || !secret.has(name)
  }

  /** A secret column that may not be empty cannot be left out. */
  #refuseEmptied({ table, secret }: TravellingTable): void {
    // Without what is hidden it is for a customer to read, and not always one to import.
    if (this.#cipher || this.#options.hidden === false) return
    const needed = table.columns.find(({ name, notNull, hasDefault }) => secret.has(name) && notNull && !hasDefault)
    if (needed)
      throw problem('validation_failed', {
        detail: `${table.name}.${needed.name} is secret and may not be empty: export with a passphrase.`,
      })
  }

  #words(going: readonly TravellingTable[]): readonly string[] {
    if (this.#cipher) return []
    const columns = going.flatMap(({ table, secret }) => [...secret].map((name) => `${table.name}.${name}`))
    return [
      ...[...this.#left].map(([table, rows]) => `${rows} sealed ${rows === 1 ? 'row' : 'rows'} of ${table}`),
      ...columns.map((name) => `the secret column ${name}`),
    ]
  }
}

/** Which value it is, for the cipher. */
export function placeOf(table: string, column: string, key: readonly (string | null)[]): string {
  return JSON.stringify([table, column, key])
}

export function rowOf(columns: readonly string[], row: readonly (string | null)[]): TravellingRow {
  return Object.fromEntries(columns.map((name, at) => [name, row[at] ?? null]))
}

async function readTenantRow(system: SystemTransaction, id: string): Promise<ArchivedTenant> {
  const [row] = await system.run(statement`
    select id, slug, name, status, require_mfa, plan, tier, version, created_at::text, updated_at::text
    from plinth.tenants where id = ${id}::uuid`)
  if (!row) throw problem('not_found')
  const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  return {
    id: String(row['id']),
    slug: String(row['slug']),
    name: String(row['name']),
    status: row['status'] as ArchivedTenant['status'],
    requireMfa: row['require_mfa'] === true,
    plan: textOrNull(row['plan']),
    tier: textOrNull(row['tier']),
    version: Number(row['version']),
    createdAt: String(row['created_at']),
    updatedAt: String(row['updated_at']),
  }
}

const USERS_AT_ONCE = 500

/** Who the members are. Nothing by which anybody signs in: no password, no factor, no session. */
async function* readUsers(
  system: SystemTransaction,
  tenantId: string,
): AsyncGenerator<readonly (readonly (string | null)[])[]> {
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const rows: readonly RawRow[] = await system.run(statement`
      select u.email, u.email_verified_at::text, u.id, u.name, case u.status when 'active' then 'active' else 'suspended' end as status,
        u.username
      from plinth.memberships m join plinth.users u on u.id = m.user_id
      where m.tenant_id = ${tenantId}::uuid and u.id > ${after}::uuid order by u.id limit ${USERS_AT_ONCE}::int`)
    if (rows.length > 0) yield rows.map((row) => userColumns.map(([name]) => row[name] as string | null))
    if (rows.length < USERS_AT_ONCE) return
    after = String(rows.at(-1)!['id'])
  }
}
