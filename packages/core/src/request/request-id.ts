import { randomUUID } from 'node:crypto'

const wellFormed = /^[A-Za-z0-9._-]{8,128}$/

/** The caller's correlation id when it is harmless in logs and headers, else a fresh one. */
export function requestIdOf(given: string | undefined): string {
  return given !== undefined && wellFormed.test(given) ? given : randomUUID()
}

/** The trace id of a W3C Trace Context header (`00-<trace>-<parent>-<flags>`), if it is one. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent === undefined
    ? undefined
    : /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent)?.[1]
}
