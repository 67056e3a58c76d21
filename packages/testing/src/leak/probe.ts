import type { WireRequest } from '../http/wire.ts'
import type { LeakActor } from './leak-actor.ts'

/** A word of the victim in a request, and one of the same form that nobody has. */
export type WordPair = readonly [victims: string, nobodys: string]

/** One request of the attacker, made to be compared with its decoy. */
export interface Probe {
  readonly number: number
  readonly actor: LeakActor
  /** Pattern of the route that it aims at: `PATCH /api/v1/sites/:id`. */
  readonly route: string
  readonly request: WireRequest
  readonly pairs: readonly WordPair[]
}

/**
 * The same request with every word of the victim replaced by one that nobody has. An answer that differs tells the attacker
 * that the victim's word exists.
 */
export function decoyOf(probe: Probe): WireRequest {
  const replace = replacer(probe.pairs)
  const { request } = probe
  return {
    method: request.method,
    target: replace(request.target),
    headers: request.headers.map(([name, value]) => [name, replace(value)] as const),
    ...(typeof request.body === 'string'
      ? { body: replace(request.body) }
      : request.body === undefined
        ? {}
        : { body: request.body }),
  }
}

function replacer(pairs: readonly WordPair[]): (text: string) => string {
  // Longest first: an id may be part of a longer word.
  const ordered = [...pairs].sort(([left], [right]) => right.length - left.length)
  return (text) => {
    let replaced = text
    for (const [victims, nobodys] of ordered) {
      replaced = replaced.replaceAll(victims, nobodys)
      const escaped = encodeURIComponent(victims)
      if (escaped !== victims) replaced = replaced.replaceAll(escaped, encodeURIComponent(nobodys))
    }
    return replaced
  }
}
