import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMigrationFiles, type MigrationMeta } from 'drizzle-orm/migrator'
import type { Connection } from '../drivers/driver.ts'
import { runSteps } from './run-step.ts'
import { firstLine, splitStatements } from './split-statements.ts'

// Drizzle's own names, so that `drizzle-kit migrate` and this agree on what was applied.
export const JOURNAL = { schema: 'drizzle', name: '__drizzle_migrations' } as const
const journal = `"${JOURNAL.schema}"."${JOURNAL.name}"`

export interface FolderResult {
  readonly applied: readonly string[]
  readonly warnings: readonly string[]
}

interface FolderMigration extends MigrationMeta {
  /** `0000_first`, the name of its file. */
  readonly tag: string
}

/**
 * Reads a drizzle-kit folder (`meta/_journal.json` and SQL) with Drizzle's own reader.
 * @throws where the folder or one of its files is not there
 */
function readFolder(folder: string): readonly FolderMigration[] {
  try {
    const migrations = readMigrationFiles({ migrationsFolder: folder })
    const { entries } = JSON.parse(readFileSync(join(folder, 'meta', '_journal.json'), 'utf8')) as {
      readonly entries: readonly { readonly tag: string }[]
    }
    return migrations.map((migration, at) => ({
      ...migration,
      tag: entries[at]?.tag ?? String(migration.folderMillis),
    }))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${folder} is no folder of drizzle-kit: ${reason}. Make one with: npx drizzle-kit generate`, {
      cause: error,
    })
  }
}

/**
 * Runs what is missing of a drizzle-kit folder in the caller's transaction, as the owner, who then owns what it makes. The same
 * table and the same order as Drizzle's migrator, which only looks at the time of the last one applied.
 */
export async function runFolder(connection: Connection, folder: string, journalExists: boolean): Promise<FolderResult> {
  const migrations = readFolder(folder)
  if (!journalExists) {
    await runSteps(connection, [
      {
        sql: `create table ${journal} (id serial primary key, hash text not null, created_at bigint)`,
        words: 'made the journal of drizzle-kit',
      },
    ])
  }
  const rows = await connection.query(`select hash, created_at from ${journal}`)
  const done = new Map(rows.map((row) => [Number(row['created_at']), String(row['hash'])]))
  const last = Math.max(0, ...done.keys())
  verifyNoneSkipped(folder, migrations, done, last)
  const applied: string[] = []
  for (const migration of migrations.filter((one) => one.folderMillis > last)) {
    const label = `migration ${migration.tag} of ${folder}`
    for (const sql of migration.sql.flatMap(splitStatements))
      await runSteps(connection, [{ sql, words: `${label}: ${firstLine(sql)}` }])
    await connection.query(`insert into ${journal} (hash, created_at) values ($1::text, $2::int8)`, [
      migration.hash,
      migration.folderMillis,
    ])
    applied.push(`applied ${label}`)
  }
  const edited = migrations.filter((one) => (done.get(one.folderMillis) ?? one.hash) !== one.hash)
  const warnings = edited.map(
    (one) => `migration ${one.tag} of ${folder} was edited after it had run; what it says now did not happen here`,
  )
  return { applied, warnings }
}

/**
 * Two branches, each with a migration, merged in the other order: Drizzle skips the older one in silence, for it compares with
 * the last time only.
 */
function verifyNoneSkipped(
  folder: string,
  migrations: readonly FolderMigration[],
  done: ReadonlyMap<number, string>,
  last: number,
): void {
  const skipped = migrations.filter((one) => one.folderMillis <= last && !done.has(one.folderMillis))
  if (skipped.length === 0) return
  throw new Error(
    `${folder} has migrations older than the last one applied, which would never run: ${skipped.map((one) => one.tag).join(', ')} ` +
      '(the field "when" in meta/_journal.json). Delete them and generate them anew: npx drizzle-kit generate',
  )
}
