import { isMarked } from '../tenants/marks.ts'
import type { TenantSnapshot } from '../tenants/tenant-tables.ts'

/** What a tenant's rows hold and the other tenant's do not. */
export interface StoredWords {
  /** UUIDs in lower case: of rows, of people, of sessions, of whatever. */
  readonly ids: readonly string[]
  readonly addresses: readonly string[]
  /** Other texts of one word: names, slugs. */
  readonly texts: readonly string[]
}

const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g
const address = /"([\w.+-]+@[\w.-]+)"/g
const word = /"([\w.-]{6,60})"/g

/** The words of one tenant alone, from all of its rows in all tables. */
export function wordsOf(own: TenantSnapshot, others: TenantSnapshot): StoredWords {
  const [mine, theirs] = [textOf(own), textOf(others)]
  const alone = (pattern: RegExp): readonly string[] => {
    const taken = new Set(theirs.match(pattern))
    return [...new Set(mine.match(pattern))].filter((found) => !taken.has(found)).sort()
  }
  const bare = (texts: readonly string[]): readonly string[] => texts.map((text) => text.replaceAll('"', ''))
  // Values in the forms of the attacker's are what both send, to see that the one's answer is not the other's.
  const shared = /^[0a].{7}-1017/
  return {
    ids: alone(uuid).filter((id) => !shared.test(id)),
    addresses: bare(alone(address)),
    texts: bare(alone(word)).filter((text) => isMarked(text)),
  }
}

function textOf(rows: TenantSnapshot): string {
  return [...rows.values()].flat().join('\n')
}
