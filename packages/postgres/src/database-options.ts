import type { HealthCheck, StartupFault } from '@plinth/core'
import type { Driver } from './drivers/driver.ts'
import type { SingleConnection } from './drivers/single-connection.ts'
import type { Isolation } from './isolation/tenant-schema.ts'
import type { RelayOptions } from './relay/relay.ts'

export interface DatabaseOptions {
  /** For messages and health: `postgres` or `embedded`. Default: the kind of the drivers. */
  readonly kind?: string
  readonly faults?: readonly StartupFault[]
  /** What the names of the roles begin with. Default `plinth_`. */
  readonly rolePrefix?: string
  /** Default `shared`. */
  readonly isolation?: Isolation
  /** The runtime login, as DATABASE_URL names it; migrate() makes it a member of the runtime role. */
  readonly appLogin?: { readonly user: string; readonly password?: string | undefined } | undefined
  /** The password that migrate() gives to the system role. */
  readonly systemPassword?: string | undefined
  /** Whether policies written in code read facts about the principal; each statement then sets two settings more. */
  readonly policyFacts?: boolean
  /** The connections of the relay, where they are not those of the system role (a direct URL past PgBouncer). */
  readonly relayDriver?: () => Promise<Driver>
  /** Opens a connection of the runtime login that may listen. Without it nothing is heard of what other processes write. */
  readonly listen?: ((onMessage: (message: string) => void) => SingleConnection) | undefined
  /** Beside whether it answers: what else it needs (room on the disk). */
  readonly checks?: readonly HealthCheck[]
  readonly relay?: Pick<RelayOptions, 'pollMs' | 'backoffMs' | 'mostAttempts' | 'beatMs'>
}
