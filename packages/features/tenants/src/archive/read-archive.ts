import { createHash, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { z } from 'zod'
import {
  archiveEnd,
  archiveInvalid,
  exportedLine,
  headLine,
  limits,
  tableEnd,
  tableLine,
  type Exported,
  type Head,
  type Section,
} from './format.ts'
import { linesOf } from './lines.ts'

/** Opens the bytes of an archive, from the beginning each time: they are read once to be checked and once to be written. */
export type ArchiveSource = () => AsyncIterable<Uint8Array>

/** What an archive says, in the order in which it stands there. */
export type ArchivePart =
  | { readonly kind: 'head'; readonly head: Head; readonly exported: Exported }
  | { readonly kind: 'table'; readonly section: Section }
  | { readonly kind: 'rows'; readonly section: Section; readonly rows: readonly (readonly (string | null)[])[] }
  | { readonly kind: 'end'; readonly end: z.output<typeof archiveEnd> }

/** A batch holds so many rows, or the rows of about so many characters. */
const BATCH_ROWS = 500
const BATCH_LENGTH = 1_048_576

/**
 * Reads an archive to its end, a batch of rows at a time. Every line, count and digest is checked on the way; what it said before a
 * fault counts for nothing.
 * @throws archive_invalid
 */
export async function* readArchive(source: ArchiveSource): AsyncGenerator<ArchivePart> {
  const lines = linesOf(unpacked(source), limits)[Symbol.asyncIterator]()
  const reading = new Reading(lines)
  try {
    yield* reading.parts()
  } finally {
    await lines.return?.(undefined)
  }
}

async function* unpacked(source: ArchiveSource): AsyncGenerator<Buffer> {
  const packed = Readable.from(source())
  const gunzip = createGunzip()
  // A fault of the source becomes one of the stream that is read.
  packed.once('error', (error) => gunzip.destroy(error))
  try {
    for await (const chunk of packed.pipe(gunzip)) yield chunk as Buffer
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!code.startsWith('Z_')) throw error
    throw archiveInvalid(
      code === 'Z_BUF_ERROR' ? 'The archive ends too early: it was cut off.' : 'This is no archive of a tenant.',
      error,
    )
  } finally {
    packed.destroy()
    gunzip.destroy()
  }
}

class Reading {
  readonly #lines: AsyncIterator<string>
  readonly #whole = createHash('sha256')
  readonly #seen = new Set<string>()
  #rows = 0

  constructor(lines: AsyncIterator<string>) {
    this.#lines = lines
  }

  async *parts(): AsyncGenerator<ArchivePart> {
    const head = this.#said(headLine, await this.#next(), 'This is no archive of a tenant, or one of another format.')
    const second = await this.#next(false)
    const { exported } = this.#said(exportedLine, second, 'The second line of the archive says nothing of the export.')
    yield { kind: 'head', head, exported }
    for (;;) {
      const digest = this.#whole.copy()
      const line = await this.#next()
      const end = archiveEnd.safeParse(parsed(line))
      if (end.success) {
        await this.#refuseUnlike(end.data, digest)
        yield { kind: 'end', end: end.data }
        return
      }
      yield* this.#table(line)
    }
  }

  async *#table(line: string): AsyncGenerator<ArchivePart> {
    const section = this.#said(tableLine, line, `A line stands where a table should begin: ${shown(line)}`)
    const { table, columns } = section
    const names = columns.map(([name]) => name)
    if (this.#seen.has(table)) throw archiveInvalid(`The archive has ${table} twice.`)
    if (new Set(names).size < names.length) throw archiveInvalid(`${table} has a column twice.`)
    this.#seen.add(table)
    if (this.#seen.size > limits.tables) throw archiveInvalid(`The archive has more than ${limits.tables} tables.`)
    yield { kind: 'table', section }
    const digest = createHash('sha256').update(`${line}\n`)
    let count = 0
    let length = 0
    let rows: (readonly (string | null)[])[] = []
    for (;;) {
      const next = await this.#next()
      if (!next.startsWith('[')) {
        if (rows.length > 0) yield { kind: 'rows', section, rows }
        const end = this.#said(tableEnd, next, `${table} does not end.`)
        if (end.end !== table || end.rows !== count || end.sha256 !== digest.digest('hex'))
          throw archiveInvalid(`The rows of ${table} are not those that were exported: their count or digest differs.`)
        return
      }
      rows.push(rowIn(next, section))
      digest.update(`${next}\n`)
      count += 1
      length += next.length
      this.#rows += 1
      if (this.#rows > limits.rows) throw archiveInvalid(`The archive has more than ${limits.rows} rows.`)
      if (rows.length < BATCH_ROWS && length < BATCH_LENGTH) continue
      yield { kind: 'rows', section, rows }
      rows = []
      length = 0
    }
  }

  async #refuseUnlike(end: z.output<typeof archiveEnd>, digest: Hash): Promise<void> {
    if (end.tables !== this.#seen.size || end.rows !== this.#rows || end.sha256 !== digest.digest('hex'))
      throw archiveInvalid('The archive is not as it was exported: its count or digest differs.')
    const more = await this.#lines.next()
    if (!more.done) throw archiveInvalid('Something follows the end of the archive.')
  }

  async #next(counts = true): Promise<string> {
    const { done, value } = await this.#lines.next()
    if (done) throw archiveInvalid('The archive ends too early: it was cut off.')
    if (counts) this.#whole.update(`${value}\n`)
    return value
  }

  #said<T>(schema: z.ZodType<T>, line: string, fault: string): T {
    const read = schema.safeParse(parsed(line))
    if (read.success) return read.data
    const [issue] = read.error.issues
    throw archiveInvalid(
      `${fault}${issue && issue.path.length > 0 ? ` (${issue.path.join('.')}: ${issue.message})` : ''}`,
    )
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** One text for each row: a second spelling of the same one would have another digest and the same effect. */
function rowIn(line: string, { table, columns }: Section): readonly (string | null)[] {
  const row = parsed(line)
  const good =
    Array.isArray(row) &&
    row.length === columns.length &&
    row.every((value) => value === null || (typeof value === 'string' && storable(value)))
  if (good && JSON.stringify(row) === line) return row
  throw archiveInvalid(`A line of ${table} is no row of ${columns.length} texts: ${shown(line)}`)
}

/** PostgreSQL stores no NUL and no half of a pair. */
function storable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** Its beginning alone: what is quoted in an error ends up in logs. */
function shown(line: string): string {
  return JSON.stringify(line.slice(0, 40))
}
