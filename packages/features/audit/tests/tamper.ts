import type { SeededRandom } from '@plinth/testing'
import { contentOf, hashOf, type ChainedEntry } from '../src/entry/chained-entry.ts'

type Mutable = { -readonly [Name in keyof ChainedEntry]: ChainedEntry[Name] }

const texts = [
  'id',
  'occurredAt',
  'actorKind',
  'actorId',
  'onBehalfOf',
  'action',
  'targetType',
  'targetId',
  'outcome',
  'requestId',
  'changes',
  'detail',
  'origin',
  'personal',
  'hash',
  'mac',
] as const

/** A chain that somebody with every right on the database has been at, and the first number that is wrong from then on. */
export interface Tampered {
  readonly how: string
  readonly entries: readonly ChainedEntry[]
  readonly firstBad: number
}

/** One random deed of a superuser, against entries 1…n. */
export function tamper(chain: readonly ChainedEntry[], random: SeededRandom): Tampered {
  const entries: Mutable[] = chain.map((entry) => ({ ...entry }))
  const at = random.below(entries.length)
  const entry = entries[at]!
  const how = random.pick([
    'bit',
    'bit',
    'bit',
    'bit',
    'null',
    'delete',
    'insert',
    'swap',
    'cut',
    'rewrite',
    'move',
  ] as const)
  switch (how) {
    case 'bit': {
      const name = random.pick(texts)
      const value = entry[name]
      if (value === null || value === '') Object.assign(entry, { [name]: 'x' })
      else Object.assign(entry, { [name]: flipped(value, random) })
      return { how: `${how} of ${name}`, entries, firstBad: at + 1 }
    }
    case 'null':
      if (random.chance(0.5)) entry.repeated += 1
      else entry.targetId = entry.targetId === null ? '' : null
      return { how, entries, firstBad: at + 1 }
    case 'delete':
      entries.splice(at, 1)
      return { how, entries, firstBad: at + 1 }
    case 'insert': {
      // A copy under a number of its own behind the last one; between two there is no room.
      entries.push({ ...entry, seq: entries.length + 1 })
      return { how, entries, firstBad: entries.length }
    }
    case 'swap': {
      const to = (at + 1 + random.below(entries.length - 1)) % entries.length
      const [one, other] = [entries[at]!, entries[to]!]
      entries[at] = { ...other, seq: one.seq }
      entries[to] = { ...one, seq: other.seq }
      return { how, entries, firstBad: Math.min(at, to) + 1 }
    }
    case 'cut':
      return { how, entries: entries.slice(0, at), firstBad: at + 1 }
    case 'move':
      entry.seq = random.pick([-1, 0, entries.length + 5])
      entries.sort((left, right) => left.seq - right.seq)
      return { how, entries, firstBad: entries[0]!.seq < 1 ? entries[0]!.seq : at + 1 }
    case 'rewrite': {
      // Every hash from there on computed anew, as whoever knows the code can do.
      entry.action = `${entry.action}x`
      let previous = at === 0 ? '' : entries[at - 1]!.hash
      for (const later of entries.slice(at))
        previous = later.hash = hashOf(later.tenantId, previous, contentOf(later.seq, later))
      return { how, entries, firstBad: at + 1 }
    }
  }
}

/** One bit of one character; whatever comes out is a text that PostgreSQL could hold. */
function flipped(value: string, random: SeededRandom): string {
  for (;;) {
    const at = random.below(value.length)
    const code = value.charCodeAt(at) ^ (1 << random.below(7))
    if (code >= 0x20) return value.slice(0, at) + String.fromCharCode(code) + value.slice(at + 1)
  }
}
