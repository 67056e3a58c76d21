import type { Platform } from '../platform/platform.ts'
import { isAboutRows } from '../policy/acl.ts'
import { acceptsId, isUuid } from '../resource/row-id.ts'

/** One row as it goes into an archive or comes out of one: SQL names, the text that PostgreSQL prints. */
export type TravellingRow = Readonly<Record<string, string | null>>

/** What is sealed by the key ring of one platform and opens on no other. */
export interface SealedColumn {
  readonly column: string
  /** What the value is bound to, as `Secrets.seal` takes it; users of the row are those of that platform. */
  readonly context: (tenantId: string, row: TravellingRow) => string
}

/** Rows that go along. `{}` says: all of them, as they are. */
export interface GoingTable {
  readonly stays?: undefined
  /** Columns that may hold the id of a user, beside `owner_user_id` and foreign keys to users and members. */
  readonly users?: readonly string[]
  /** Columns that are left behind: the row that arrives has their default, or what a trigger writes. */
  readonly leaves?: readonly string[]
  /** Columns that triggers change while other tables arrive. They are written once more when all have. */
  readonly settles?: readonly string[]
  /** Travels under a passphrase only; without one rows that have such a value are left out, and told. */
  readonly sealed?: SealedColumn
  /** What is wrong with a row that wants to arrive, in words; it was written by whoever wrote the archive. */
  readonly refuses?: (platform: Platform, row: TravellingRow) => string | undefined
}

/** Rows that do not leave the platform. */
export interface StayingTable {
  /** Why, in a few words. */
  readonly stays: string
}

/** Whether the rows of a table go along when a tenant moves to another platform. Every table of tenants says one or the other. */
export type Travel = GoingTable | StayingTable

/** By table, with its schema: `{ 'plinth.notes': {}, 'plinth.devices': { stays: 'credentials' } }`. */
export type Travels = Readonly<Record<string, Travel>>

/** What the platform's own tables say. The tenant's row and its users are no tables of tenants: an archive has places of their own for them. */
export const platformTravels: Travels = {
  // The copies of what is in `users` and `user_roles` are written by triggers, which also count the version on.
  'plinth.memberships': {
    users: ['id'],
    leaves: ['owner_user_id', 'email', 'username', 'name', 'roles'],
    settles: ['version', 'updated_at'],
  },
  'plinth.groups': {},
  'plinth.group_members': {},
  'plinth.user_roles': {},
  // Of keys, which stay behind, nothing is said to anybody: no key will have their ids.
  'plinth.acl_entries': {
    users: ['subject_id'],
    leaves: ['subject', 'everything'],
    // What means nothing is an error where it is written, and no silent no.
    refuses({ registry }, { model, action, record_id: recordId }) {
      const known = registry.permissions.names.some((name) => {
        const [ofModel, ofAction] = name.split(':')
        return ofModel === model && (action === '*' || ofAction === action)
      })
      if (!known) return `there is no permission ${model ?? ''}:${action ?? ''}`
      if (recordId == null) return undefined
      if (!isAboutRows(action ?? '')) return `nothing is said of one row and ${action ?? ''}`
      const [name] = (model ?? '').split('.')
      const resource = registry.resources.find((one) => one.name === name)
      // As PostgreSQL prints it: what is no id at all ends every list in the cast to the key's type, another form of one names no row.
      const names =
        resource && acceptsId(resource, recordId) && (!isUuid(recordId) || recordId === recordId.toLowerCase())
      return names ? undefined : `record_id is no id of a row of ${model ?? ''}`
    },
  },
  'plinth.events': { stays: 'handed on by the platform on which they happened' },
  'plinth.idempotency_keys': { stays: 'answers to requests that were made to this platform' },
  'plinth.rate_limits': { stays: 'what the operator of a platform allows on it' },
}
