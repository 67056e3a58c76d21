/** One place where two JSON values differ: a JSON pointer (RFC 6901) and how. */
export interface JsonDifference {
  readonly pointer: string
  readonly kind: 'added' | 'removed' | 'changed'
}

/** Where the second value differs from the first. The order of members means nothing, as in JSON. */
export function compareJson(before: unknown, after: unknown, pointer = ''): readonly JsonDifference[] {
  if (Object.is(before, after)) return []
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after))
    return [{ pointer, kind: 'changed' }]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return keys.flatMap((key): readonly JsonDifference[] => {
    const place = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
    if (!Object.hasOwn(before, key)) return [{ pointer: place, kind: 'added' }]
    if (!Object.hasOwn(after, key)) return [{ pointer: place, kind: 'removed' }]
    return compareJson(before[key], after[key], place)
  })
}

function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
