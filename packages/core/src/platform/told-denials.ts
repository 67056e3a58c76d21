import type { PlinthError } from '../errors/plinth-error.ts'

/** In whose name something was denied, and in whose log that is. */
export interface DeniedTo {
  readonly who: { readonly kind: string; readonly id: string }
  readonly tenantId: string | null
}

/**
 * Denials that were told where code worked in somebody's name. The error goes on, to the route or the job in which that code is, which
 * would tell it again: ten in a row would count as twenty. Of another actor or tenant it is another entry: who asked for it is in no other.
 */
const told = new WeakMap<PlinthError, Map<string, number>>()

export function noteTold(error: PlinthError, to: DeniedTo): void {
  const times = told.get(error) ?? new Map<string, number>()
  told.set(error, times.set(keyOf(to), performance.now()))
}

/**
 * @param since when the work began within which it may have been told, by `performance.now()`: an error that a product makes once and throws
 * each time is a new denial each time. Where nobody knows it, it is taken for told once and not again.
 */
export function wasTold(error: PlinthError, to: DeniedTo, since?: number): boolean {
  const times = told.get(error)
  if (since === undefined) return times?.delete(keyOf(to)) ?? false
  return (times?.get(keyOf(to)) ?? -1) >= since
}

function keyOf({ who, tenantId }: DeniedTo): string {
  return JSON.stringify([who.kind, who.id, tenantId])
}
