import type { Connection } from '../drivers/driver.ts'
import { resolveDoubts } from './ask-postgres.ts'
import { additionsOf, type Comparison } from './comparison.ts'
import { MigrationRefused } from './migration-refused.ts'

/**
 * Whether a drizzle-kit folder led to what is declared. Somebody who changed a table and forgot `drizzle-kit generate` learns
 * it here, before anything is committed; differences that break nothing are warnings.
 * @throws MigrationRefused
 */
export async function verifyFolder(
  connection: Connection,
  comparison: Comparison,
  folder: string,
): Promise<readonly string[]> {
  const indexes = new Set(comparison.indexes)
  const missing = additionsOf(comparison)
    .filter((step) => !indexes.has(step))
    .map((step) => `missing: would have ${step.words}`)
  const breaking = comparison.differences
    .filter((difference) => difference.breaks)
    .map((difference) => difference.words)
  if (missing.length + breaking.length > 0) throw new MigrationRefused([...missing, ...breaking], folder)
  const right = (await resolveDoubts(connection, comparison.doubts)) ?? []
  return [
    ...comparison.indexes.map((step) => `${folder} lacks an index: would have ${step.words}`),
    ...comparison.differences.map((difference) => difference.words),
    ...right.map((doubt) => doubt.words),
  ]
}
