import { auditedByPlatform } from './audited.ts'
import type { Platform } from './platform.ts'

/**
 * Encrypts anew, under the first key of the ring, what features keep sealed. It is many transactions, each of a few values, and may be run
 * again; its entry comes before the first of them, as that of an export: where it cannot be recorded nothing is touched.
 */
export async function reseal(platform: Platform): Promise<Readonly<Record<string, number>>> {
  const { registry, database } = platform
  const sealing = registry.features.filter((feature) => feature.reseal)
  const detail = { features: sealing.map(({ name }) => name) }
  await database.system((system) => auditedByPlatform(system, platform, { action: 'keyRing.resealed', detail }))
  const counts: Record<string, number> = {}
  for (const feature of sealing) counts[feature.name] = await feature.reseal!(platform)
  return counts
}
