import type { Actor } from '../auth/principal.ts'

/** A committed event, as its handlers get it. */
export interface EventRecord<D = unknown> {
  readonly id: string
  readonly tenantId: string
  readonly type: string
  /** Of the data. */
  readonly version: number
  readonly key: string
  readonly data: D
  readonly actor: Actor
  readonly requestId: string
  /** The trace of the request that caused it (W3C Trace Context), where that had one. */
  readonly traceparent?: string
  readonly time: Date
}
