import type { z } from 'zod'
import { problem } from '../errors/plinth-error.ts'
import type { QueryParameter } from '../routes/route.ts'

/** The filters that a hand-written list takes in its query. */
export interface QueryFilter<F> {
  readonly names: readonly string[]
  /** Of the query, for OpenAPI. */
  readonly parameters: readonly QueryParameter[]
  /**
   * Reads its own parameters, and no others.
   * @throws invalid_query
   */
  read(given: ReadonlyMap<string, string>): F
  /** One text for equal filters, as it would stand in a query; empty where nothing is filtered. A cursor is bound to it. */
  text(filter: F): string
}

/** @param schema an object of optional members, each of which reads a text */
export function queryFilter<S extends z.ZodObject>(schema: S): QueryFilter<z.output<S>> {
  const names = Object.keys(schema.shape)
  return {
    names,
    parameters: Object.entries(schema.shape).map(([name, member]) => {
      const { description = name } = member as z.ZodType
      return { name, description, schema: member as z.ZodType }
    }),
    read(given) {
      const parsed = schema.safeParse(Object.fromEntries([...given].filter(([name]) => names.includes(name))))
      if (parsed.success) return parsed.data
      const errors = parsed.error.issues.map(({ path, message }) => {
        return { path: `?${path.join('.')}`, code: 'invalid_value', message }
      })
      throw problem('invalid_query', { errors })
    },
    text(filter) {
      const given = filter as Readonly<Record<string, string | undefined>>
      const query = new URLSearchParams()
      for (const name of names) {
        const value = given[name]
        if (value !== undefined) query.append(name, value)
      }
      return query.toString()
    },
  }
}
