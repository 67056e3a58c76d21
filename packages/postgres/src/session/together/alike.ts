import type { AskedCreate } from '../../statements/create-together.ts'
import { columnsGiven } from '../../statements/many.ts'

/** Characters of one statement. */
export const MOST_CHARACTERS = 256 * 1024

export interface Alike extends AskedCreate {
  /** From {@link likenessOf}. */
  readonly likeness: string
  /** From {@link charactersOf}. */
  readonly characters: number
}

/** All that a statement says of its rows together. */
export function likenessOf({ operation, scope }: AskedCreate): string {
  const { actor, facts, onBehalfOf, client } = scope
  return JSON.stringify([
    actor.kind,
    actor.id,
    onBehalfOf,
    client?.address,
    client?.userAgent,
    facts.userId,
    facts.groupIds,
    operation.ownerUserId,
    columnsGiven(operation),
  ])
}

export function charactersOf({ operation: { values } }: AskedCreate): number {
  let characters = 0
  for (const value of values.values()) characters += value?.length ?? 0
  return characters
}

export type Group<T> = readonly [T, ...T[]]

interface Growing<T> {
  readonly of: [T, ...T[]]
  readonly ids: Set<string>
  characters: number
}

/** In their order, those that differ in nothing but the row and the request. Which row is whose, the id tells: none is there twice. */
export function groupsOf<T extends Alike>(waiting: readonly T[], most: number): readonly Group<T>[] {
  const groups: Growing<T>[] = []
  const last = new Map<string, Growing<T>>()
  for (const one of waiting) {
    const { likeness, characters } = one
    // PostgreSQL prints a uuid in lower case.
    const id = String(one.operation.id).toLowerCase()
    const group = last.get(likeness)
    if (group && group.of.length < most && group.characters + characters <= MOST_CHARACTERS && !group.ids.has(id)) {
      group.of.push(one)
      group.ids.add(id)
      group.characters += characters
      continue
    }
    const made: Growing<T> = { of: [one], ids: new Set([id]), characters }
    groups.push(made)
    last.set(likeness, made)
  }
  return groups.map(({ of }) => of)
}
