import { createHash } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Feature, Resource } from '@plinth/core'
import { drizzleTable } from '@plinth/core'
import { getTableConfig } from 'drizzle-orm/pg-core'

/**
 * One text for everything that a migrated database depends on: the declared tables, the features' SQL, and the code that
 * migrates. Another text, another template.
 */
export function schemaKey(
  resources: readonly Resource[],
  features: readonly Feature[],
  more: readonly string[],
): string {
  const tables = [...resources, ...features.flatMap((feature) => feature.resources ?? [])].map((resource) => {
    const { schema, name, columns, indexes, uniqueConstraints, checks, foreignKeys } = getTableConfig(
      drizzleTable(resource.table),
    )
    return [
      schema,
      name,
      columns.map((column) => [
        column.name,
        column.getSQLType(),
        column.notNull,
        column.hasDefault,
        String(column.default),
        column.enumValues,
      ]),
      indexes.map((index) => [index.config.name, index.config.unique]),
      uniqueConstraints.map((unique) => unique.name),
      checks.map((check) => check.name),
      foreignKeys.map((key) => [key.getName(), key.onDelete]),
    ]
  })
  const sql = features.flatMap((feature) =>
    (feature.migrations ?? []).map((migration) => [feature.name, migration.id, migration.sql]),
  )
  // The template has tenants, with what features put into new ones.
  const provisioning = features.filter((feature) => feature.provision).map((feature) => feature.name)
  return JSON.stringify([tables, sql, provisioning, more, codeKey()])
}

let known: string | undefined

/** Names, sizes and times of the files of core and postgres: a change of the migrating code makes old templates stale. */
function codeKey(): string {
  if (known !== undefined) return known
  const digest = createHash('sha256')
  for (const name of ['@plinth/core', '@plinth/postgres']) {
    const entry = createRequire(import.meta.url).resolve(name)
    for (const folder of [dirname(entry), join(dirname(entry), '..', 'migrations')])
      for (const line of describeFiles(folder)) digest.update(line)
  }
  known = digest.digest('hex')
  return known
}

function describeFiles(folder: string): string[] {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile() && !entry.name.includes('.test'))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const { size, mtimeMs } = statSync(path)
      return `${path} ${size} ${mtimeMs}\n`
    })
    .sort()
}
