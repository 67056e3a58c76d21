import { isObject } from '../input/merge-patch.ts'
import { pointer } from '../input/validate.ts'
import type { Values } from './level.ts'

/** A JSON value of which each leaf knows the number of the level that said it. */
export type Tracked =
  | { readonly members: ReadonlyMap<string, Tracked>; readonly from: number }
  | { readonly value: unknown; readonly from: number }

/**
 * Lays levels on each other, each as a JSON merge patch (RFC 7396) on what the ones before it made: objects merge, null takes
 * away, everything else, arrays among it, replaces. `toJson(overlay(levels))` is `levels.reduce(mergePatch, {})`.
 */
export function overlay(levels: readonly Values[]): Tracked {
  return levels.reduce<Tracked>((below, values, from) => lay(below, values, from), { members: new Map(), from: 0 })
}

function lay(below: Tracked | undefined, patch: unknown, from: number): Tracked {
  if (!isObject(patch)) return { value: patch, from }
  const kept = below && 'members' in below ? below : undefined
  const members = new Map<string, Tracked>(kept?.members)
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) members.delete(key)
    else members.set(key, lay(members.get(key), value, from))
  }
  return { members, from: kept?.from ?? from }
}

export function toJson(tracked: Tracked): unknown {
  if ('value' in tracked) return tracked.value
  return Object.fromEntries([...tracked.members].map(([key, member]) => [key, toJson(member)]))
}

/** A value with its place: whatever is no object, and an object without members. */
export interface Leaf {
  /** JSON pointer (RFC 6901). */
  readonly path: string
  readonly value: unknown
  /** Number of the level; undefined where no level said it (a default of the schema). */
  readonly from: number | undefined
}

/** Every leaf of a value, in the order of its members, with the level that `tracked` knows for it. */
export function leavesOf(value: unknown, tracked: Tracked | undefined, path: readonly string[] = []): readonly Leaf[] {
  if (isObject(value)) {
    const known = tracked && 'members' in tracked ? tracked : undefined
    const leaves = Object.entries(value).flatMap(([key, member]) =>
      leavesOf(member, known?.members.get(key), [...path, key]),
    )
    return leaves.length > 0 || path.length === 0 ? leaves : [{ path: pointer(path), value, from: known?.from }]
  }
  return [{ path: pointer(path), value, from: tracked && 'value' in tracked ? tracked.from : undefined }]
}
