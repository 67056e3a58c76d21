import { Resolver } from 'node:dns/promises'
import { problem } from '@plinth/core'

/** Asks the DNS for the TXT records of a host, each as its parts; none where there is no such host. */
export type ResolveTxt = (host: string) => Promise<readonly (readonly string[])[]>

/** Records beyond these are not looked at. */
const MOST_RECORDS = 100

/** By the resolver of the system, two tries of three seconds. */
export function systemResolver(): ResolveTxt {
  return (host) => new Resolver({ timeout: 3_000, tries: 2 }).resolveTxt(host)
}

/**
 * Whether the host has this record.
 * @throws unavailable where the DNS does not answer
 */
export async function hasRecord(resolve: ResolveTxt, host: string, wanted: string): Promise<boolean> {
  let records: readonly (readonly string[])[]
  try {
    records = await resolve(host)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOTFOUND' || code === 'ENODATA') return false
    throw problem('unavailable', { detail: 'The DNS does not answer. Try again later.', cause: error })
  }
  // One record may come in several strings of 255 characters (RFC 7208 §3.3).
  return records.slice(0, MOST_RECORDS).some((parts) => parts.join('').trim() === wanted)
}
