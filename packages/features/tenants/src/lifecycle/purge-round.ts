import { randomUUID } from 'node:crypto'
import {
  auditedByPlatform,
  givenTime,
  scopeOf,
  statement,
  systemPrincipal,
  type Platform,
  type SystemTransaction,
} from '@plinth/core'
import { tenantWithin } from '../directory/tenant-within.ts'
import { tenancyEvents } from '../log-events.ts'

/** Rows a step: a delete of millions would hold its locks for minutes. */
const ROWS = 5_000
/** Transactions a step. */
const TRANSACTIONS = 20

/** A tenant whose time has come. */
interface Due {
  readonly id: string
  readonly slug: string
  /** Whether its end was announced. */
  readonly told: boolean
}

/** What one step did. */
export interface PurgeStep {
  /** How many rows went, the tenants' own among them. */
  readonly rows: number
  /** Whether anything was done: an announcement removes nothing, and is no reason to believe that nothing is left to do. */
  readonly progress: boolean
}

/**
 * Takes tenants whose time has come a step further: a bounded number of rows, and in the end the tenant. Features are told first, while
 * it is still there to be told of; what they have not heard after a day is not waited for.
 *
 * Each tenant has a transaction to itself. One that cannot be removed (a table of the product refers to it, its entry cannot be written)
 * would else roll back the others with it, always the same ones, and keep them here for ever. It is told, and left for this round.
 */
export class PurgeRound {
  readonly #platform: Platform
  readonly #failed = new Set<string>()

  constructor(platform: Platform) {
    this.#platform = platform
  }

  /** How many tenants there are that should have gone and could not. */
  get failed(): number {
    return this.#failed.size
  }

  async step(most = ROWS): Promise<PurgeStep> {
    let rows = 0
    let progress = false
    for (let at = 0; at < TRANSACTIONS && rows < most; at += 1) {
      const gone = await this.#next(most - rows)
      if (gone === undefined) break
      progress = true
      rows += gone
    }
    return { rows, progress }
  }

  /** @returns how many rows of one tenant went, none of one that failed; undefined where no tenant is left to be looked at */
  async #next(most: number): Promise<number | undefined> {
    let due: Due | undefined
    try {
      return await this.#platform.database.system(async (system) => {
        due = await this.#due(system)
        return due && (await this.#further(system, due, most))
      })
    } catch (error) {
      // Not a tenant's fault: there is no database.
      if (!due) throw error
      this.#failed.add(due.id)
      this.#platform.log.error(tenancyEvents.purgeFailed, { tenantId: due.id, error })
      return 0
    }
  }

  /**
   * The next one, locked; what another process is at is left to it. By the clock of the database: what a process that is ten days ahead
   * removes within the days of grace, nobody brings back. Those that wait for somebody to hear of them keep nobody behind them waiting.
   */
  async #due(system: SystemTransaction): Promise<Due | undefined> {
    const now = givenTime(this.#platform)
    const failed = `{${[...this.#failed].join(',')}}`
    const [row] = await system.run(statement`
      select t.id, t.slug, t.deletion_announced_at is not null as told
      from plinth.tenants t
      where t.status = 'pending_deletion' and t.delete_after <= coalesce(${now}::text::timestamptz, statement_timestamp())
        and t.id <> all (${failed}::text::uuid[])
        and not (
          coalesce(t.deletion_announced_at > coalesce(${now}::text::timestamptz, statement_timestamp()) - interval '1 day', false)
          and exists (
            select from plinth.events e where e.tenant_id = t.id and e.type = 'tenant.deleted' and e.delivered_at is null))
      order by t.delete_after limit 1 for update of t skip locked`)
    return row && { id: String(row['id']), slug: String(row['slug']), told: row['told'] === true }
  }

  async #further(system: SystemTransaction, due: Due, most: number): Promise<number> {
    if (!due.told) {
      await this.#announce(system, due)
      if (this.#platform.registry.listened.has('tenant.deleted')) return 0
    }
    const [row] = await system.run(statement`
      select plinth.purge_tenant_rows(${due.id}::uuid, ${most}::int) as gone`)
    const gone = Number(row?.['gone'])
    if (gone > 0) return gone
    await this.#end(system, due)
    return 1
  }

  /** To whoever listens, and in the tenant's own log, which stays. */
  async #announce(system: SystemTransaction, { id, slug }: Due): Promise<void> {
    const platform = this.#platform
    await system.run(statement`
      update plinth.tenants set deletion_announced_at = coalesce(${givenTime(platform)}::text::timestamptz, statement_timestamp())
      where id = ${id}::uuid`)
    const tenant = await tenantWithin(system, id)
    const principal = systemPrincipal(platform.registry.permissions, `the end of ${slug}`)
    const transaction = await system.within(scopeOf(platform, { principal, tenant, requestId: randomUUID() }))
    await transaction.emit({ type: 'tenant.deleted', key: id, data: { id, slug } })
  }

  /**
   * Nothing of it is left: its schema, where it has one, and its row. That it is gone is in the log of the platform, for in its own nobody
   * who is left may read.
   */
  async #end(system: SystemTransaction, { id, slug }: Due): Promise<void> {
    system.changesMembers()
    await system.run(statement`select plinth.drop_tenant_schema(${id}::uuid)::text as dropped`)
    await system.run(statement`delete from plinth.tenants where id = ${id}::uuid`)
    await auditedByPlatform(system, this.#platform, { action: 'tenant.purged', target: id, detail: { slug } })
  }
}
