import type { EventCatalog, ResourceInfo } from '@plinth/core'
import { tableInStatements, type Isolation } from '../isolation/tenant-schema.ts'
import type { Records } from './records.ts'

/** What printing needs besides the operation and its scope; one per attached database. */
export interface Printing {
  readonly records: Records
  /** What code may emit by hand. */
  readonly events: EventCatalog
  /** Whether policies written in code read facts about the principal. */
  readonly withFacts: boolean
  readonly texts: TextCache
  /** The table of a resource as every statement names it: `"public"."sites"`, or `"sites"` where each tenant has a schema. */
  readonly tableOf: (resource: ResourceInfo) => string
  /** What a deletion for good adds, so that no entry of the ACL is left behind; nothing where no feature keeps any. */
  readonly entriesGone: (resource: ResourceInfo) => string
}

/** @param isolation whether tables are named with their schema, or found by the search_path of the tenant */
export function tableOf(isolation: Isolation): Printing['tableOf'] {
  const known = new WeakMap<ResourceInfo, string>()
  return (resource) => {
    const kept = known.get(resource)
    if (kept !== undefined) return kept
    const made = tableInStatements(resource, isolation)
    known.set(resource, made)
    return made
  }
}

const MOST_KEPT = 1024
const MORE_PER_RESOURCE = 12

/**
 * Keeps the texts of statements by a short key. Not to spare the printing, which takes 1 to 6 µs, but to hand out the same
 * string again: a text of 3,000 characters that was put together anew must be copied into one piece and hashed by everybody
 * who looks it up (measured: 10 to 20 µs; the kept one 0.2).
 */
export class TextCache {
  readonly #texts = new Map<string, string>()
  readonly #mostKept: number

  /** @param resources how many resources the platform has */
  constructor(resources = 0) {
    this.#mostKept = MOST_KEPT + MORE_PER_RESOURCE * resources
  }

  /** @param key everything that `print` depends on, placeholders included */
  get(key: string, print: () => string): string {
    const kept = this.#texts.get(key)
    if (kept !== undefined) return kept
    // A stranger's filters fill it; emptied, it costs a printing each.
    if (this.#texts.size >= this.#mostKept) this.#texts.clear()
    const text = print()
    this.#texts.set(key, text)
    return text
  }
}
