import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Registry } from '@plinth/core'
import { platformMigrationsFolder } from '../shipped-files.ts'

/** One forward-only piece of SQL of the platform or of a feature. */
export interface ShippedMigration {
  /** `platform`, or the feature's name. */
  readonly feature: string
  readonly id: string
  /** With `{app}` and so on for the roles. */
  readonly sql: string
  /** Of the text before the roles' names are filled in: another prefix is the same migration. */
  readonly checksum: string
  /** A schema that is dropped and made anew before. */
  readonly remakes?: string | undefined
}

export const PLATFORM = 'platform'

/** All in the order in which they run: the platform's, then each feature's, features by name. */
export async function shippedMigrations(registry: Registry): Promise<readonly ShippedMigration[]> {
  const files = (await readdir(platformMigrationsFolder)).filter((file) => file.endsWith('.sql')).sort()
  const platform = await Promise.all(
    files.map(async (file) =>
      shipped(PLATFORM, file.slice(0, -'.sql'.length), await readFile(join(platformMigrationsFolder, file), 'utf8')),
    ),
  )
  const features = registry.features.flatMap((feature) =>
    [...(feature.migrations ?? [])]
      .sort((left, right) => (left.id < right.id ? -1 : 1))
      .map(({ id, sql, remakes }) => ({ ...shipped(feature.name, id, sql), remakes })),
  )
  return [...platform, ...features]
}

function shipped(feature: string, id: string, text: string): ShippedMigration {
  // A checkout on Windows has other line ends and is the same migration.
  const sql = text.replaceAll('\r\n', '\n')
  return { feature, id, sql, checksum: createHash('sha256').update(sql).digest('hex') }
}
