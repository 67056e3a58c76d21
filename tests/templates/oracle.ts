import fc from 'fast-check'

/*
 * A second implementation of everything templates promise, as plain as it can be and slow: it knows nothing of levels that carry
 * numbers, of statements or of schemas. What it and the platform say must be the same.
 */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Obj = { [key: string]: Json }

export const isObj = (value: Json | undefined): value is Obj =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The pseudo-code of RFC 7396, section 2, word for word. */
export function rfcMerge(target: Json | undefined, patch: Json): Json {
  if (!isObj(patch)) return patch
  const into: Obj = isObj(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete into[name]
    else into[name] = rfcMerge(into[name], value)
  }
  return into
}

export const fold = (levels: readonly Obj[]): Obj =>
  levels.reduce<Obj>((below, patch) => rfcMerge(below, patch) as Obj, {})

/** Every value that is no object, and every empty object, by its steps. */
export function leaves(value: Json, path: readonly string[] = []): readonly (readonly [readonly string[], Json])[] {
  if (!isObj(value)) return [[path, value]]
  const inner = Object.entries(value).flatMap(([key, member]) => leaves(member, [...path, key]))
  return inner.length > 0 || path.length === 0 ? inner : [[path, value]]
}

export const at = (value: Json | undefined, path: readonly string[]): Json | undefined =>
  path.reduce<Json | undefined>((held, key) => (isObj(held) && Object.hasOwn(held, key) ? held[key] : undefined), value)

/** The level that a leaf comes from: the last one that says it; for `{}`, the one since which there has been an object. */
export function levelOf(levels: readonly Obj[], path: readonly string[], value: Json): number {
  if (!isObj(value)) return levels.findLastIndex((patch) => at(patch, path) !== undefined)
  const states = levels.map((_, end) => at(fold(levels.slice(0, end + 1)), path))
  return states.findLastIndex((state) => !isObj(state)) + 1
}

export const pointerOf = (path: readonly string[]): string =>
  path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** Pointer → value. */
export const leafMap = (value: Json): ReadonlyMap<string, Json> =>
  new Map(leaves(value).map(([path, leaf]) => [pointerOf(path), leaf]))

/** Few names, so that levels meet; some that a pointer must escape. */
const key = fc.constantFrom('a', 'b', 'c', 'x/y', '~', 'm~n')
const scalar = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.boolean(), fc.constantFrom('', 'x', 'y'))

/** A merge patch: any JSON object, with nulls and empty objects in it, five levels deep. */
export const patches: fc.Arbitrary<Obj> = fc.letrec<{ member: Json; object: Obj }>((tie) => ({
  member: fc.oneof(
    { depthSize: 'small', withCrossShrink: true, maxDepth: 4 },
    scalar,
    fc.constant(null),
    fc.array(scalar, { maxLength: 2 }),
    tie('object'),
    tie('object'),
  ),
  object: fc.dictionary(key, tie('member'), { maxKeys: 4, noNullPrototype: true }),
})).object
