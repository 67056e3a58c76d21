import type { Actor } from '../auth/principal.ts'
import type { Client } from '../client/client.ts'
import type { Facts } from '../condition/condition.ts'

/** In whose name and for whom a statement runs. Comes from the pipeline alone; nothing of a request's input gets in here. */
export interface Scope {
  readonly tenantId: string
  readonly actor: Actor
  readonly facts: Facts
  readonly requestId: string
  /** The trace of the request, as W3C writes it; kept with jobs that it asks for. */
  readonly traceparent?: string
  /** Id of the user for whom the actor acts: the holder of a key. */
  readonly onBehalfOf?: string | null
  /** Where the request came from, for records; absent where there is no request. */
  readonly client?: Pick<Client, 'address' | 'userAgent'>
  /** The one time of this request: `createdAt`, `updatedAt`, recorded rows. */
  readonly now: Date
}
