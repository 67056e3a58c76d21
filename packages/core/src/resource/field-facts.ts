import type { ColumnBuilderBase } from 'drizzle-orm'
import type { z } from 'zod'
import type { AnyResourceTable, ColumnsOf } from '../table/types.ts'

/**
 * The zod schema that a column starts from, in its JSON form: text is a string, an enum its words, a time an ISO string,
 * int8 in bigint mode and numeric a string of digits.
 */
export type ZodOf<B extends ColumnBuilderBase> = B['_'] extends { dataType: 'string'; enumValues: infer E }
  ? E extends [string, ...string[]]
    ? string extends E[number]
      ? z.ZodString
      : z.ZodEnum<{ [K in E[number]]: K }>
    : z.ZodString
  : B['_'] extends { dataType: 'number' }
    ? z.ZodNumber
    : B['_'] extends { dataType: 'boolean' }
      ? z.ZodBoolean
      : B['_'] extends { dataType: 'date' }
        ? z.ZodISODateTime
        : B['_'] extends { dataType: 'bigint' }
          ? z.ZodString
          : z.ZodType<B['_']['data']>

/** What a personal field holds; privacy, audit and logs read it. */
export type PersonalKind = 'email' | 'name' | 'phone' | 'address' | 'ip' | 'birthdate' | 'identifier' | 'text' | 'other'

/** Facts about one column. Each says what the column is; readers (API, OpenAPI, screens, audit, privacy) draw the consequences. */
export interface FieldFacts<B extends ColumnBuilderBase> {
  /** Narrows the column's schema: `(name) => name.min(2).max(120)`. It sees the JSON form of the value. */
  readonly schema?: (column: ZodOf<B>) => z.ZodType
  /** May be filtered by in lists. */
  readonly filter?: boolean
  /** May be sorted by in lists. */
  readonly sort?: boolean
  /** Is searched by `?search=`. Text columns only. */
  readonly search?: boolean
  /** Neither read nor written from outside; code alone touches it. */
  readonly hidden?: boolean
  /** Written from outside, never read back: not in an answer, an event, an audit diff or a log. */
  readonly secret?: boolean
  /** Set when the row is created, never changed from outside. */
  readonly immutable?: boolean
  /** Read from outside, written by code alone: results, counters, states that only an action may reach. */
  readonly readOnly?: boolean
  /**
   * Beside the permission on the row, it takes one of the field's own to read it (`employee.salary:read`) and to give it a value
   * (`employee.salary:update`); 'read' or 'write' asks for the one alone. Of rows on which somebody may not read it, it is absent.
   */
  readonly restricted?: boolean | 'read' | 'write'
  /** Personal data of this kind; masked wherever rows are recorded. */
  readonly personal?: PersonalKind
  /** Words for people: OpenAPI and screens. */
  readonly description?: string
}

/** Facts by column. Written so that a wrong name is reported on the name itself. */
export type Fields<T extends AnyResourceTable> = {
  readonly [K in keyof ColumnsOf<T>]?: ColumnsOf<T>[K] extends ColumnBuilderBase ? FieldFacts<ColumnsOf<T>[K]> : never
}
