import { visibleFields, writableFields, type FieldInfo, type ResourceInfo } from '../../resource/resource-info.ts'

const A_TIME = '2026-01-31T12:00:00.000Z'
const AN_ID = '01941f29-7c00-7aaa-8bbb-0123456789ab'

/** An example row for OpenAPI: right by type, the same on every run. */
export function exampleRow(resource: ResourceInfo): Readonly<Record<string, unknown>> {
  return Object.fromEntries(visibleFields(resource).map((field) => [field.key, exampleValue(field, true)]))
}

export function exampleInput(resource: ResourceInfo): Readonly<Record<string, unknown>> {
  const fields = writableFields(resource).filter(
    (field) => !field.secret && (field.notNull ? !field.hasDefault : false),
  )
  return Object.fromEntries(fields.map((field) => [field.key, exampleValue(field, false)]))
}

function exampleValue(field: FieldInfo, stored: boolean): unknown {
  if (field.key === 'version') return 1
  if (!field.notNull && stored) return null
  const words = field.column.enumValues
  if (words && words.length > 0) return words[0]
  switch (field.kind.name) {
    case 'uuid':
      return AN_ID
    case 'time':
    case 'timeText':
      return A_TIME
    case 'date':
      return A_TIME.slice(0, 10)
    case 'clock':
      return '12:00:00'
    case 'boolean':
      return true
    case 'decimal':
      return '12.50'
    case 'integerKey':
    case 'bigintKey':
      return '42'
    case 'bigText':
      return '1'
    case 'json':
      return {}
    case 'text':
    case 'textKey':
      return exampleText(field)
    default:
      return 1
  }
}

function exampleText(field: FieldInfo): string {
  const tries = [`Example ${field.key}`, 'person@example.com', 'https://example.com', 'example', 'EXAMPLE', '12']
  return tries.find((text) => field.schema.safeParse(text).success) ?? tries[0]!
}
