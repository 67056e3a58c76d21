import type { notesTable } from './notes.ts'
import type { Plinth } from '@plinth/core'
import type { Host, HostName, HostOptions, Mountable } from './hosts.ts'

export type NotesTable = typeof notesTable

/** What a case works with. Hosts that it opens are closed after it. */
export interface Arena {
  readonly name: HostName
  /** A server of this framework with this platform in it. */
  readonly host: (platform: Mountable, options?: HostOptions) => Promise<Host>
  /** A real platform at the root. */
  readonly plinth: Plinth
  /** The same at `/tools`, which answers unknown paths itself. */
  readonly prefixed: Plinth
  /** Its one table. */
  readonly notes: NotesTable
  /** `Authorization` of a principal who may do everything, and of one who may only read. */
  readonly authorization: string
  readonly readerAuthorization: string
}

/** One line of the table. What `run` returns stands in the cell: `yes`, or in which other way this framework does it. */
export interface Case {
  readonly title: string
  readonly run: (arena: Arena) => Promise<string | void>
}
