import type { Stored } from '../ports/database.ts'
import type { FieldInfo } from '../resource/resource-info.ts'

/** The JSON form of a value as the text that the database casts to the column's type. */
export function toStored(field: FieldInfo, value: unknown): Stored {
  if (value === null || value === undefined) return null
  if (field.kind.name === 'json') return JSON.stringify(value)
  return typeof value === 'string' ? value : String(value as number | boolean)
}

/** The value that code sees, of what is stored. Not `kind.decode`, which reads what the database printed. */
export function decodeStored(field: FieldInfo, stored: string): unknown {
  switch (field.kind.compares) {
    case 'number':
      return Number(stored)
    case 'boolean':
      return stored === 'true'
    case 'time':
      return field.kind.name === 'time' ? new Date(stored) : stored
    default:
      return field.kind.decode(stored)
  }
}
