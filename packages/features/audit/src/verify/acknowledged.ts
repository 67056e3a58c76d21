import type { KeyObject } from 'node:crypto'
import { macOf } from '../entry/chained-entry.ts'
import type { ChainHead } from './chain-verifier.ts'

/** That an operator knows of a fault: from which entry on everything must hold again. */
export interface Acknowledged {
  /** `entry 3 is changed`: of another one nobody has said that he knows. */
  readonly fault: string
  /** The last entry when he said so. */
  readonly since: ChainHead
  /** ISO 8601. A checkpoint of before may be of what is lost, under a number that another entry has by now. */
  readonly time: string
}

/** What the text of an acknowledged fault begins with. */
export const ACKNOWLEDGED = 'acknowledged '

/** Signed, or whoever changes an entry would write beside the chain that it is known. What is signed of entries are hashes, which hold no space. */
const macFor = (key: KeyObject, tenant: string, { fault, since, time }: Acknowledged): string =>
  macOf(key, `plinth/audit/acknowledged/1 ${tenant} ${since.seq} ${since.hash} ${time} ${fault}`)

/** As it is kept in the place of the fault. */
export function acknowledgedText(key: KeyObject, tenant: string, what: Acknowledged): string {
  return `${ACKNOWLEDGED}${what.since.seq} ${what.since.hash} ${what.time} ${macFor(key, tenant, what)}: ${what.fault}`
}

/** @returns undefined for what this platform has not written of this chain */
export function readAcknowledged(key: KeyObject, tenant: string, text: string): Acknowledged | undefined {
  const read = /^acknowledged (\d+) (\S+) (\S+) (\S+): (.*)$/.exec(text)
  if (!read) return undefined
  const [seq, hash, time, mac, fault] = read.slice(1) as unknown as readonly [string, string, string, string, string]
  const what = { fault, since: { seq: Number(seq), hash }, time }
  return mac === macFor(key, tenant, what) ? what : undefined
}
