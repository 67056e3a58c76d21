import { logEvents, problem, type Logger, type StartupFault } from '@plinth/core'
import { asFaults } from '../catalog/fault.ts'
import type { CheckedTenants } from './check-tenants.ts'
import { tenantSchema } from './tenant-schema.ts'

/** How long a refusal stands before that tenant's schema is looked at again. */
const REFUSED_FOR = 2_000

/**
 * Refuses the tenants whose schema is not as declared: a policy that is gone there is no reason to refuse everybody else. Of the
 * healthy ones nothing is kept, so that 10,000 of them cost nothing.
 */
export class TenantGate {
  readonly #refused = new Map<string, { readonly at: number; looking: boolean }>()
  readonly #check: (schema: string) => Promise<CheckedTenants>
  readonly #log: Logger

  constructor(check: (schema: string) => Promise<CheckedTenants>, log: Logger) {
    this.#check = check
    this.#log = log
  }

  /** @returns what is wrong with every tenant alike, for which nobody is served: none where one at least is well */
  settle({ schemas, faults }: CheckedTenants): readonly StartupFault[] {
    this.#refused.clear()
    for (const [schema, found] of faults) this.#refuse(schema, found)
    if (schemas === 0 || faults.size < schemas) return []
    return asFaults(faults.values().next().value ?? [])
  }

  /** What has gone wrong since: each of these is refused by itself, also where it is all of them. */
  refuse(faults: CheckedTenants['faults']): void {
    for (const [schema, found] of faults) this.#refuse(schema, found)
  }

  /** @throws not_ready */
  assertOpen(tenantId: string): void {
    if (this.#refused.size === 0) return
    const schema = tenantSchema(tenantId)
    const refused = this.#refused.get(schema)
    if (!refused) return
    if (!refused.looking && performance.now() - refused.at > REFUSED_FOR) {
      refused.looking = true
      void this.#lookAgain(schema)
    }
    throw problem('not_ready', { headers: { 'retry-after': '2' } })
  }

  async #lookAgain(schema: string): Promise<void> {
    try {
      const { faults } = await this.#check(schema)
      const found = faults.get(schema)
      if (found) this.#refuse(schema, found)
      else this.#refused.delete(schema)
    } catch (error) {
      this.#log.error(logEvents.startupFault, { schema, error })
      this.#refused.set(schema, { at: performance.now(), looking: false })
    }
  }

  #refuse(schema: string, faults: readonly StartupFault[]): void {
    this.#refused.set(schema, { at: performance.now(), looking: false })
    this.#log.error(logEvents.startupFault, { schema, faults })
  }
}
