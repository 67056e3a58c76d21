import type { PgColumn } from 'drizzle-orm/pg-core'
import { identifier } from './quote.ts'

/** What SQL must know about a column, worked out once from Drizzle's column. */
export interface ColumnType {
  /** Text goes in as it is; varchar(n) and char(n) too, for an explicit cast to them would cut what is too long in silence. */
  readonly family: 'text' | 'uuid' | 'enum' | 'real' | 'zoneless' | 'other'
  /** char(n): PostgreSQL prints its padding and ignores it in comparisons; cast to text it is gone, and memory agrees. */
  readonly padded: boolean
  /** The type without length, precision or scale: a value to compare with must not be rounded to the column's scale first. */
  readonly bare: string
  /** Turns the text of a value (a placeholder or a literal) into the column's type, to be stored. */
  readonly store: (value: string) => string
  /** The same for a comparison. */
  readonly compare: (value: string) => string
  /**
   * The same for an array of values in the text form of arrays. Not by way of `text`: whatever turns a text into an array may read
   * settings, so PostgreSQL does it anew for each row that it compares (16 ms became 17.8 s); of the parameter's own type it is
   * read once, as it comes in. `tests/lists-once.test.ts` looks at the plans.
   */
  readonly compareMany: (values: string) => string
}

const types = new WeakMap<PgColumn, ColumnType>()

export function columnType(column: PgColumn): ColumnType {
  const known = types.get(column)
  if (known) return known
  const made = describe(column)
  types.set(column, made)
  return made
}

function describe(column: PgColumn): ColumnType {
  const type = column.getSQLType()
  const bare = type.replaceAll(/\s*\([^)]*\)/g, '')
  switch (column.columnType) {
    case 'PgText':
    case 'PgVarchar':
    case 'PgChar':
      return make('text', 'text', 'text', column.columnType === 'PgChar')
    case 'PgUUID':
      return {
        ...make('uuid', 'uuid', 'uuid'),
        store: (value) => `${value}::uuid`,
        compare: (value) => `${value}::uuid`,
      }
    case 'PgEnumColumn': {
      const name = enumName(column)
      return make('enum', name, name)
    }
    case 'PgReal':
      return make('real', type, bare)
    case 'PgTimestamp':
    case 'PgTimestampString':
      return type.endsWith('with time zone') ? make('other', type, bare) : zoneless(bare)
    default:
      return make('other', type, bare)
  }
}

/** By way of text, so that the client neither parses nor prints: times keep their microseconds, json is not encoded twice. */
function make(family: ColumnType['family'], type: string, bare: string, padded = false): ColumnType {
  const cast = (name: string) => (value: string) => (name === 'text' ? `${value}::text` : `${value}::text::${name}`)
  return {
    family,
    padded,
    bare,
    store: cast(type),
    compare: cast(bare),
    compareMany: (values) => `${values}::${bare}[]`,
  }
}

/**
 * A timestamp without time zone holds UTC. PostgreSQL ignores the zone of a text that it reads as one (`…T20:00+02:00` would
 * be stored as 20:00), so the text is read as an instant first.
 */
function zoneless(bare: string): ColumnType {
  const cast = (value: string): string => `(${value}::text::timestamp with time zone at time zone 'UTC')`
  return {
    family: 'zoneless',
    padded: false,
    bare,
    store: cast,
    compare: cast,
    compareMany: (values) => `${values}::timestamp with time zone[]`,
  }
}

function enumName(column: PgColumn): string {
  const { enum: declared } = column as unknown as {
    readonly enum: { readonly enumName: string; readonly schema: string | undefined }
  }
  return `${identifier(declared.schema ?? 'public')}.${identifier(declared.enumName)}`
}
