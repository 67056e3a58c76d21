import type { EventCatalog } from '../events/event-catalog.ts'
import type { EventHandlers } from '../events/event-handlers.ts'
import type { Feature } from '../feature/feature.ts'
import type { Travel } from '../feature/travel.ts'
import type { PermissionNumbers } from '../policy/permission-set.ts'
import type { Job } from '../job/define-job.ts'
import type { Policies } from '../policy/read-policies.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import type { TemplateLinks } from '../template/link.ts'

/** Everything that was declared, in an order that does not depend on the order of declaration. */
export interface Registry {
  /** Sorted by name. */
  readonly resources: readonly ResourceInfo[]
  /** By the table object that the user declared. */
  readonly byTable: ReadonlyMap<object, ResourceInfo>
  /** Sorted by name. */
  readonly features: readonly Feature[]
  readonly permissions: PermissionNumbers
  /** Which resources come from the templates of which. */
  readonly templates: TemplateLinks
  /** Rules in code that narrow permissions, by their number. */
  readonly policies: Policies
  /** Whether some feature keeps entries of the ACL: where none does, nobody asks for any. */
  readonly acl: boolean
  /** By name. */
  readonly jobs: ReadonlyMap<string, Job>
  /** Every type of events that can occur. */
  readonly events: EventCatalog
  /** Who hears which of them. */
  readonly handlers: EventHandlers
  /** Event types that are stored: somebody listens to them, or wants them kept. */
  readonly listened: ReadonlySet<string>
  /** What is said of tables when a tenant moves, by the name that they have for it: `sites`, `plinth.groups`. */
  readonly travels: ReadonlyMap<string, Travel>
}
