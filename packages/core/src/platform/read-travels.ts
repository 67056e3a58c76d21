import { getTableConfig } from 'drizzle-orm/pg-core'
import type { StartupFault } from '../errors/startup-error.ts'
import type { Feature } from '../feature/feature.ts'
import { platformTravels, type Travel } from '../feature/travel.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'

/**
 * What is said of each table when a tenant moves. All that a product declares goes along; a feature says it of its own tables, and
 * two that say something of one table would be a question of order.
 */
export function readTravels(
  resources: readonly ResourceInfo[],
  features: readonly Feature[],
  faults: StartupFault[],
): ReadonlyMap<string, Travel> {
  const travels = new Map<string, Travel>(Object.entries(platformTravels))
  const owners = new Map<string, string>(Object.keys(platformTravels).map((table) => [table, 'the platform']))
  for (const { drizzle, origin, sqlName } of resources) {
    const { schema } = getTableConfig(drizzle)
    if (origin === 'product') travels.set(schema === undefined ? sqlName : `${schema}.${sqlName}`, {})
  }
  for (const feature of features) {
    for (const [table, travel] of Object.entries(feature.travels ?? {})) {
      const owner = owners.get(table)
      if (owner === undefined) owners.set(table, `feature ${feature.name}`)
      else
        faults.push({
          path: `feature ${feature.name}.travels.${table}`,
          problem: `${owner} says already whether its rows go along`,
          fix: 'a feature speaks of its own tables',
        })
      travels.set(table, travel)
    }
  }
  return travels
}
