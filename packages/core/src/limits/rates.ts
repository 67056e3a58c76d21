import type { Logger } from '../ports/logger.ts'
import type { DatabaseLimits, RateLimitStore } from '../ports/rate-limits.ts'
import { Attempts } from './attempts.ts'
import type { RequestRates } from './rate-limit-options.ts'
import { RequestLimits } from './request-limits.ts'
import { TenantRatesCache } from './tenant-rates.ts'

/** The limits of a platform: those of requests, which the pipeline asks, and those of attempts, which features ask. */
export class Rates extends Attempts {
  /** Undefined where requests are not limited. */
  readonly held: Partial<RequestRates> | undefined
  readonly requests: RequestLimits
  readonly tenants: TenantRatesCache
  readonly #database: DatabaseLimits

  constructor(parts: {
    readonly store: RateLimitStore | undefined
    readonly database: DatabaseLimits
    readonly held: Partial<RequestRates> | undefined
    readonly log: Logger
  }) {
    const store = parts.store ?? parts.database
    super(store, parts.log)
    this.held = parts.held
    this.requests = new RequestLimits(store, parts.log)
    this.tenants = new TenantRatesCache((ids) => parts.database.ofTenants(ids))
    this.#database = parts.database
  }

  /** Gives a tenant rates of its own. Other processes follow within a second. */
  async setOfTenant(...given: Parameters<DatabaseLimits['setOfTenant']>): Promise<void> {
    const [tenantId] = given
    await this.#database.setOfTenant(...given)
    this.tenants.forget(tenantId)
  }
}
