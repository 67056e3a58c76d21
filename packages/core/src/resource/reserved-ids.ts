import type { z } from 'zod'
import type { Resource } from './define-resource.ts'

/**
 * Words that stand where an id stands: `POST /plans/bulk`. The path that is written out wins over `/:id`, and a row called so
 * could be made and never reached. All of them, served or not: a route that is switched on later must hide no row.
 */
const words = ['bulk', 'clear', 'create', 'edit', 'export', 'import', 'list', 'new', 'search', 'stream']

/** The schema of a text key, without the words that are paths. */
export function withoutReserved(schema: z.ZodType, declaration: Resource): z.ZodType {
  const reserved = new Set([...words, ...Object.keys(declaration.actions)])
  return schema.refine((id) => !reserved.has(id as string), {
    error: 'This word is part of a path and cannot be an id',
    params: { code: 'reserved' },
  })
}
