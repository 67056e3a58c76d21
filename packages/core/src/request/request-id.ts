import { randomUUID } from 'node:crypto'

const wellFormed = /^[A-Za-z0-9._-]{8,128}$/

/** The caller's correlation id when it is harmless in logs and headers, else a fresh one. */
export function requestIdOf(given: string | undefined): string {
  return given !== undefined && wellFormed.test(given) ? given : randomUUID()
}

const trace = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/**
 * The W3C Trace Context header as it is carried on: `00-<trace>-<parent>-<flags>`. What is not well-formed counts as absent (§3.2.2.3);
 * of a later version the four parts that this one knows are read, and nothing may follow those of version 00.
 */
export function traceparentOf(given: string | undefined): string | undefined {
  const found = given === undefined || given.length > 200 ? null : trace.exec(given)
  if (!found || (given!.startsWith('00') && found[4] !== undefined)) return undefined
  return `00-${found[1]}-${found[2]}-${found[3]}`
}

/** What log lines of one trace have in common. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent?.slice(3, 35)
}
