import { hash } from 'node:crypto'
import type { Raw, RawRow } from '../ports/database.ts'
import { visibleFields, type FieldInfo, type ResourceInfo } from '../resource/resource-info.ts'

/** A printer of rows for one choice of fields, with the tag that changes when the choice or the resource's output does. */
export interface RowPrinter {
  readonly fields: readonly FieldInfo[]
  readonly print: (row: RawRow) => string
  /** Strong ETag of a row: `"<version>-<6 hex of output schema and field mask>"`. */
  readonly etag: (row: RawRow) => string
}

const printers = new WeakMap<ResourceInfo, Map<string, RowPrinter>>()
/** A stranger chooses the mask; beyond this many, printers are made and thrown away. */
const KEPT_MASKS = 64

/**
 * Prints raw rows as JSON without parsing times and json first (9 µs for a page of 20 rows; JSON.stringify of parsed rows
 * 46 µs). Only visible fields can be asked for: the mask is what hides secrets.
 */
export function rowPrinter(resource: ResourceInfo, mask?: readonly string[]): RowPrinter {
  const cache = printers.get(resource) ?? new Map<string, RowPrinter>()
  printers.set(resource, cache)
  const key = mask?.join(',') ?? '*'
  const kept = cache.get(key)
  if (kept) return kept
  const fields = visibleFields(resource).filter((field) => mask === undefined || mask.includes(field.key))
  const made = makePrinter(fields)
  if (cache.size < KEPT_MASKS) cache.set(key, made)
  return made
}

function makePrinter(fields: readonly FieldInfo[]): RowPrinter {
  const parts = fields.map((field, index) => ({
    key: field.key,
    label: `${index === 0 ? '{' : ','}${JSON.stringify(field.key)}:`,
    print: field.kind.print,
  }))
  const tag = hash('sha256', fields.map((field) => `${field.key}:${field.kind.name}`).join(','), 'hex').slice(0, 6)
  return {
    fields,
    print(row) {
      let text = ''
      for (const part of parts) {
        const value = row[part.key] as Raw
        text += part.label + (value === null || value === undefined ? 'null' : part.print(value))
      }
      return text === '' ? '{}' : `${text}}`
    },
    etag: (row) => `"${String(row.version)}-${tag}"`,
  }
}

/** The row as code sees it: Date for times, parsed json, bigint where the column says so. Every column, hidden ones too. */
export function decodeRow(resource: ResourceInfo, raw: RawRow): Readonly<Record<string, unknown>> {
  const row: Record<string, unknown> = {}
  for (const field of resource.fields) {
    const value = raw[field.key]
    row[field.key] = value === null || value === undefined ? null : field.kind.decode(value)
  }
  return row
}
