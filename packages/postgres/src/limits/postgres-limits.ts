import { chargesOf, resultOf, type DatabaseLimits } from '@plinth/core'
import { printFixed } from '../session/fixed-statement.ts'
import type { Runner } from '../session/runner.ts'
import { arrayLiteral } from '../statements/quote.ts'
import { readTenantRates, writeTenantRates } from './tenant-rates.ts'

const takeText =
  'select granted::text, used::text, charged from plinth.take_tokens(' +
  '$1::text::text[], $2::text::bigint[], $3::text::bigint[], $4::text::bigint[], $5::text::boolean[])'

/**
 * Buckets in PostgreSQL: one statement for each `take`, exact across processes, by the server's clock.
 * @param runner of the runtime login
 * @param asSystem runs in a transaction of plinth_system
 */
export function postgresLimits(
  runner: () => Runner,
  asSystem: (work: (runner: Runner) => Promise<void>) => Promise<void>,
): DatabaseLimits {
  return {
    ofTenants: (tenantIds) => readTenantRates(runner(), tenantIds),
    setOfTenant: (tenantId, rates, also) =>
      asSystem(async (system) => {
        await writeTenantRates(system, tenantId, rates)
        await also?.({ run: (statement) => system.run(printFixed(statement), 'other') })
      }),
    async take(requests) {
      const charges = chargesOf(requests)
      if (charges.length === 0) return []
      const list = (values: readonly (string | number | boolean)[]): string => arrayLiteral(values.map(String))
      const parameters = [
        list(charges.map(({ key }) => key)),
        list(charges.map(({ interval }) => interval)),
        list(charges.map(({ capacity }) => capacity)),
        list(charges.map(({ cost }) => cost)),
        list(charges.map(({ partial }) => partial)),
      ]
      const rows = await runner().run({ text: takeText, parameters, shape: 'fixed' }, 'other')
      return charges.map((charge, index) => {
        const row = rows[index]
        return resultOf(charge, {
          charged: row?.['charged'] === true,
          granted: Number(row?.['granted']),
          used: Number(row?.['used']),
        })
      })
    },
  }
}
