import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import type { Connection } from '../drivers/driver.ts'
import { runSteps, type Step } from './run-step.ts'
import { firstLine, splitStatements } from './split-statements.ts'

// Drizzle's own names, so that `drizzle-kit migrate` and this agree on what was applied.
export const JOURNAL = { schema: 'drizzle', name: '__drizzle_migrations' } as const
const journal = `"${JOURNAL.schema}"."${JOURNAL.name}"`

export interface FolderResult {
  readonly applied: readonly string[]
  readonly warnings: readonly string[]
}

export interface FolderMigration {
  /** `0000_first`, the name of its file. */
  readonly tag: string
  /** When it was generated: its place in the order. */
  readonly folderMillis: number
  readonly hash: string
  readonly statements: readonly string[]
}

export interface Folder {
  readonly path: string
  readonly migrations: readonly FolderMigration[]
}

/**
 * Reads a drizzle-kit folder (`meta/_journal.json` and SQL) with Drizzle's own reader.
 * @throws where the folder or one of its files is not there
 */
export function readFolder(path: string): Folder {
  try {
    const migrations = readMigrationFiles({ migrationsFolder: path })
    const { entries } = JSON.parse(readFileSync(join(path, 'meta', '_journal.json'), 'utf8')) as {
      readonly entries: readonly { readonly tag: string }[]
    }
    return {
      path,
      migrations: migrations.map(({ folderMillis, hash, sql }, at) => ({
        tag: entries[at]?.tag ?? String(folderMillis),
        folderMillis,
        hash,
        statements: sql.flatMap(splitStatements),
      })),
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${path} is no folder of drizzle-kit: ${reason}. Make one with: npx drizzle-kit generate`, {
      cause: error,
    })
  }
}

/**
 * Runs what is missing of a drizzle-kit folder in the caller's transaction, as the owner, who then owns what it makes. The same
 * table and the same order as Drizzle's migrator, which only looks at the time of the last one applied.
 */
export async function runFolder(connection: Connection, folder: Folder, journalExists: boolean): Promise<FolderResult> {
  const { path, migrations } = folder
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
  verifyNoneSkipped(folder, done, last)
  const applied: string[] = []
  for (const migration of migrations.filter((one) => one.folderMillis > last)) {
    const label = `migration ${migration.tag} of ${path}`
    await runSteps(connection, labelled(migration, path))
    await connection.query(`insert into ${journal} (hash, created_at) values ($1::text, $2::int8)`, [
      migration.hash,
      migration.folderMillis,
    ])
    applied.push(`applied ${label}`)
  }
  const edited = migrations.filter((one) => (done.get(one.folderMillis) ?? one.hash) !== one.hash)
  const warnings = edited.map(
    (one) => `migration ${one.tag} of ${path} was edited after it had run; what it says now did not happen here`,
  )
  return { applied, warnings }
}

/** The statements of a migration, each with words that name it. */
export function labelled({ tag, statements }: FolderMigration, path: string): readonly Step[] {
  return statements.map((sql) => ({ sql, words: `migration ${tag} of ${path}: ${firstLine(sql)}` }))
}

/**
 * Two branches, each with a migration, merged in the other order: Drizzle skips the older one in silence, for it compares with
 * the last time only.
 */
function verifyNoneSkipped({ path, migrations }: Folder, done: ReadonlyMap<number, string>, last: number): void {
  const skipped = migrations.filter((one) => one.folderMillis <= last && !done.has(one.folderMillis))
  if (skipped.length === 0) return
  throw new Error(
    `${path} has migrations older than the last one applied, which would never run: ${skipped.map((one) => one.tag).join(', ')} ` +
      '(the field "when" in meta/_journal.json). Delete them and generate them anew: npx drizzle-kit generate',
  )
}
