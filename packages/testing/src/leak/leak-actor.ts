import type { Route } from '@plinth/core'
import type { TestActor } from '../platform/actors.ts'
import type { SeededRandom } from '../random/seeded-random.ts'

export type Header = readonly [name: string, value: string]

/** Somebody who attacks: a person with a session, a key, a service. */
export interface LeakActor {
  readonly name: string
  /** What shows who he is, in a request of this method: a token, a cookie with its CSRF token, a key. */
  readonly credential: (method: string, random: SeededRandom) => readonly Header[]
  /** Where he is sent. Default: everywhere. For who rightly sees something of the victim's at some places, or ends his own sessions. */
  readonly routes?: (route: Route) => boolean
  /** The tenants that he names in X-Tenant-ID, for who is rightly in the victim's as well. Default: any, the victim's among them. */
  readonly tenants?: readonly string[]
  /** New credentials in the place of the old ones, as clients do in between. Throws when there are none to be had. */
  readonly renew?: () => Promise<void>
}

/** An actor of the test platform, with his token. */
export function withToken(actor: TestActor): LeakActor {
  return { name: `${actor.tenant}-${actor.name}`, credential: () => [['authorization', `Bearer ${actor.token}`]] }
}
