import type { z } from 'zod'
import type { InputFault } from '../errors/plinth-error.ts'
import { faultsAt } from '../input/validate.ts'
import type { Level, Values } from './level.ts'
import { leavesOf, overlay, toJson, type Leaf, type Tracked } from './overlay.ts'

/** What levels come to. */
export interface Resolution {
  readonly levels: readonly Level[]
  /** With the defaults of the schema; where there are faults, without them. */
  readonly value: Values
  /** Why `value` is not what the schema asks for, or why the levels could not all be found. Paths lie in the value. */
  readonly faults: readonly InputFault[]
  readonly tracked: Tracked
}

/**
 * The value that levels make, topmost first, the row's own last.
 * @param params undefined for a template, which need not be complete by itself
 */
export function resolveLevels(
  params: z.ZodObject | undefined,
  levels: readonly Level[],
  missing: readonly InputFault[] = [],
): Resolution {
  const tracked = overlay(levels.map((level) => level.values))
  const merged = toJson(tracked) as Values
  if (params === undefined || missing.length > 0) return { levels, value: merged, faults: missing, tracked }
  const parsed = params.safeParse(merged)
  if (parsed.success) return { levels, value: parsed.data, faults: [], tracked }
  return { levels, value: merged, faults: faultsAt([], parsed.error, merged), tracked }
}

/** Each value with the level that it comes from. */
export function provenanceOf({ value, tracked }: Resolution): readonly Leaf[] {
  return leavesOf(value, tracked)
}

export interface Difference {
  readonly path: string
  /** Absent where there was nothing. */
  readonly before?: unknown
  /** Absent where there is nothing any more. */
  readonly after?: unknown
  /** The level that says the new value; undefined for the schema and where there is none. */
  readonly level: Level | undefined
}

/** What changes from one resolution to another, leaf by leaf, by path. */
export function differences(before: Resolution, after: Resolution): readonly Difference[] {
  const old = new Map(provenanceOf(before).map((leaf) => [leaf.path, leaf]))
  const found: Difference[] = []
  for (const leaf of provenanceOf(after)) {
    const known = old.get(leaf.path)
    old.delete(leaf.path)
    if (known && sameJson(known.value, leaf.value)) continue
    const level = leaf.from === undefined ? undefined : after.levels[leaf.from]
    found.push({ path: leaf.path, ...(known && { before: known.value }), after: leaf.value, level })
  }
  for (const leaf of old.values()) found.push({ path: leaf.path, before: leaf.value, level: undefined })
  return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

/** Leaves are scalars, arrays and `{}`; members of objects inside arrays have an order in their text, and none in JSON. */
export function sameJson(a: unknown, b: unknown): boolean {
  return sorted(a) === sorted(b)
}

export function sorted(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}
