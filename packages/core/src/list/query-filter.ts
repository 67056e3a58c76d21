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
  /** One text for equal filters: what a cursor is bound to. */
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
    text: (filter) => JSON.stringify(names.map((name) => (filter as Readonly<Record<string, unknown>>)[name] ?? null)),
  }
}
