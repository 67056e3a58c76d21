type Fields = Readonly<Record<string, unknown>>

/** What changed in a field. Values of secret, hidden, restricted and personal ones are not among it. */
export type FieldChange =
  | { readonly from?: unknown; readonly to?: unknown }
  | { readonly masked: true }
  | { readonly personal: true }

/** Of rows kept by the platform with every write, and said by the entry itself. */
const kept = new Set(['version', 'updatedAt'])

export interface WrittenRow {
  readonly before: Fields | null
  readonly after: Fields | null
  /** Names of fields whose values nobody records. */
  readonly masked: readonly string[]
  /** Names of fields whose values are in the encrypted part. */
  readonly personal: readonly string[]
}

/**
 * The fields that a write changed. Computed when the entry goes into the book, so that the write pays nothing for it.
 * @returns undefined where nothing is said of it: neither a row before nor after, nor a name of a field
 */
export function differenceOf({
  before,
  after,
  masked,
  personal,
}: WrittenRow): Readonly<Record<string, FieldChange>> | undefined {
  if (!before && !after && masked.length + personal.length === 0) return undefined
  // Without a prototype: what a field called __proto__ was would be lost.
  const changes = Object.create(null) as Record<string, FieldChange>
  // A setting may be called so as well.
  const isRow = Object.hasOwn(after ?? before ?? {}, 'id')
  for (const name of new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])) {
    if ((isRow && kept.has(name)) || personal.includes(name)) continue
    const [from, to] = [before?.[name], after?.[name]]
    if (areEqual(from ?? null, to ?? null)) continue
    changes[name] = { ...(before && { from }), ...(after && { to }) }
  }
  for (const name of masked) changes[name] = { masked: true }
  for (const name of personal) changes[name] = { personal: true }
  return changes
}

/** Of values of JSON. What is no object is compared as it is: of a new row all are. */
function areEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  return JSON.stringify(left) === JSON.stringify(right)
}
