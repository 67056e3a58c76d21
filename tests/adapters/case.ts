import type { Plinth } from '@plinth/core'
import type { Host, HostName, HostOptions, Mountable } from './hosts.ts'

/** What a case works with. Hosts that it opens are closed after it. */
export interface Arena {
  readonly name: HostName
  /** A server of this framework with this platform in it. */
  readonly host: (platform: Mountable, options?: HostOptions) => Promise<Host>
  /** A real platform at the root. */
  readonly plinth: Plinth
  /** The same at `/tools`, which answers unknown paths itself. */
  readonly prefixed: Plinth
  /** `Authorization` of a principal who may do everything. */
  readonly authorization: string
}

/** One line of the table. What `run` returns stands in the cell: `yes`, or in which other way this framework does it. */
export interface Case {
  readonly title: string
  readonly run: (arena: Arena) => Promise<string | void>
}
