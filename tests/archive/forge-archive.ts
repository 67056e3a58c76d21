import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Archive } from './open-archive.ts'

/* An archive taken apart, changed by somebody, and put together with digests that are right: whoever lies computes them. */

export type ForgedRow = (string | null)[]

export interface ForgedTable {
  table: string
  key: string[]
  columns: [name: string, type: string][]
  rows: ForgedRow[]
}

export class Forged {
  readonly head: Record<string, unknown> & { readonly tenant: Record<string, unknown> }
  readonly exported: unknown
  readonly tables: ForgedTable[] = []

  constructor({ lines }: Pick<Archive, 'lines'>) {
    const [head, exported, ...rest] = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown)
    this.head = head as Forged['head']
    this.exported = exported
    for (const line of rest) {
      if (Array.isArray(line)) this.tables.at(-1)!.rows.push(line as ForgedRow)
      else if ('table' in (line as object)) this.tables.push({ ...(line as Omit<ForgedTable, 'rows'>), rows: [] })
    }
  }

  of(name: string): ForgedTable {
    const found = this.tables.find((one) => one.table === name)
    if (!found) throw new Error(`the archive has no ${name}`)
    return found
  }

  /** A value of the first row. */
  set(table: string, column: string, value: unknown): void {
    const { columns, rows } = this.of(table)
    rows[0]![columns.findIndex(([name]) => name === column)] = value as string | null
  }

  /** One more column, with this value in every row. */
  addColumn(table: string, column: string, value: string | null): void {
    const { columns, rows } = this.of(table)
    columns.push([column, 'text'])
    for (const row of rows) row.push(value)
  }

  /** One more table, of one row. */
  addTable(table: string, row: Readonly<Record<string, string>>): void {
    const columns = Object.keys(row).map((name): [string, string] => [name, 'text'])
    this.tables.push({ table, key: [], columns, rows: [Object.values(row)] })
  }

  packed(): Buffer {
    const first = `${JSON.stringify(this.head)}\n`
    let rest = ''
    for (const { rows, ...section } of this.tables) {
      const body = [section, ...rows].map((line) => `${JSON.stringify(line)}\n`).join('')
      rest += `${body}${JSON.stringify({ end: section.table, rows: rows.length, sha256: sha(body) })}\n`
    }
    const rows = this.tables.reduce((sum, table) => sum + table.rows.length, 0)
    const end = { end: 'archive', tables: this.tables.length, rows, left: {}, sha256: sha(first + rest) }
    return gzipSync(`${first}${JSON.stringify(this.exported)}\n${rest}${JSON.stringify(end)}\n`)
  }
}

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
