import { hash } from 'node:crypto'
import type { Raw, RawRow } from '../ports/database.ts'
import { closedView, openView, shownMark, shownOn, type FieldView } from '../fields/field-view.ts'
import { isVisible, type FieldInfo, type ResourceInfo } from '../resource/resource-info.ts'

/** A printer of rows for one choice of fields, with the tag that changes when the choice or the resource's output does. */
export interface RowPrinter {
  readonly fields: readonly FieldInfo[]
  readonly print: (row: RawRow) => string
  /** Strong ETag of a row: `"<version>-<6 hex of output schema and field mask>"`. */
  readonly etag: (row: RawRow) => string
}

const printers = new WeakMap<FieldView, Map<string, RowPrinter>>()
/** A stranger chooses the mask; beyond this many, printers are made and thrown away. */
const KEPT_MASKS = 64

/**
 * Prints raw rows as JSON without parsing times and json first (9 µs for a page of 20 rows; JSON.stringify of parsed rows
 * 46 µs). Only visible fields can be asked for: the mask is what hides secrets.
 *
 * @param view which restricted fields are shown; without one, none. Where that depends on the row, a field is printed only if the row
 * bears the mark that it is shown.
 */
export function rowPrinter(
  resource: ResourceInfo,
  view: FieldView = closedView(resource),
  mask?: readonly string[],
): RowPrinter {
  const cache = printers.get(view) ?? new Map<string, RowPrinter>()
  printers.set(view, cache)
  const key = mask?.join(',') ?? '*'
  const kept = cache.get(key)
  if (kept) return kept
  const fields = view.fields.filter((field) => isVisible(field) && (mask === undefined || mask.includes(field.key)))
  const made = makePrinter(fields, view)
  if (cache.size < KEPT_MASKS) cache.set(key, made)
  return made
}

function makePrinter(fields: readonly FieldInfo[], view: FieldView): RowPrinter {
  const parts = fields.map((field, index) => ({
    key: field.key,
    label: `${index === 0 ? '{' : ','}${JSON.stringify(field.key)}:`,
    print: field.kind.print,
    mark: view.perRow.has(field.key) ? shownMark(field.key) : undefined,
  }))
  const tag = tagOf(fields)
  // Of two principals who see different fields of a row, and of one who sees more of it than yesterday, neither has the other's tag.
  const tags = new Map<string, string>()
  const tagOn = (row: RawRow): string => {
    const shown = fields.filter((field) => shownOn(view, field, row))
    const key = shown.map((field) => field.key).join()
    const kept = tags.get(key) ?? tagOf(shown)
    tags.set(key, kept)
    return kept
  }
  return {
    fields,
    print(row) {
      let text = ''
      for (const part of parts) {
        if (part.mark !== undefined && row[part.mark] !== true) continue
        const value = row[part.key] as Raw
        text += part.label + (value === null || value === undefined ? 'null' : part.print(value))
      }
      return text === '' ? '{}' : `${text}}`
    },
    etag: (row) => `"${String(row.version)}-${view.perRow.size === 0 ? tag : tagOn(row)}"`,
  }
}

function tagOf(fields: readonly FieldInfo[]): string {
  return hash('sha256', fields.map((field) => `${field.key}:${field.kind.name}`).join(','), 'hex').slice(0, 6)
}

/** Every column of a row that was read whole: for code that decides about the row, and not for whoever asked for it. */
export function wholeRow(resource: ResourceInfo, raw: RawRow): Readonly<Record<string, unknown>> {
  return decodeRow(resource, raw, openView(resource))
}

/**
 * The row as code sees it: Date for times, parsed json, bigint where the column says so. Every column, hidden ones too; of restricted
 * ones those that the view shows on this row, the others are absent.
 */
export function decodeRow(
  resource: ResourceInfo,
  raw: RawRow,
  view: FieldView = closedView(resource),
): Readonly<Record<string, unknown>> {
  const row: Record<string, unknown> = {}
  for (const field of view.fields) {
    if (!shownOn(view, field, raw)) continue
    const value = raw[field.key]
    row[field.key] = value === null || value === undefined ? null : field.kind.decode(value)
  }
  return row
}
