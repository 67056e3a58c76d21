import { z } from 'zod'

/** Where a value may come from, weakest first: the schema's own default, the platform, an ancestor, the template, the row. */
export const sources = ['default', 'platform', 'parent', 'template', 'instance'] as const
export type Source = (typeof sources)[number]

export type Values = Readonly<Record<string, unknown>>

/** What one template, or the row itself, says. Levels lie on each other as JSON merge patches. */
export interface Level {
  readonly source: Source
  /** Id of a template of the tenant, key of one of the platform; null for the row itself and for the schema. */
  readonly template: string | null
  /** Version of the row; of a shared template, a hash of what it says. Null for the schema. */
  readonly version: string | null
  readonly values: Values
}

/** Templates on the way from a row up to the top, the row's own template among them; the platform's count too. */
export const MOST_LEVELS = 16
/** Characters of JSON that one level may have: sixteen of them, for each of a hundred rows, must stay something to hold. */
export const LONGEST_LEVEL = 16_384

const pinSchema = z.array(
  z.object({
    source: z.enum(['platform', 'parent', 'template']),
    template: z.string(),
    version: z.string(),
    values: z.record(z.string(), z.unknown()),
  }),
)

/** What stands in `pinnedLevels`; undefined where something else than this package wrote it. */
export function readPin(stored: unknown): readonly Level[] | undefined {
  const read = pinSchema.safeParse(typeof stored === 'string' ? JSON.parse(stored) : stored)
  return read.success ? read.data : undefined
}

export function printPin(levels: readonly Level[]): string {
  return JSON.stringify(levels.map(({ source, template, version, values }) => ({ source, template, version, values })))
}
