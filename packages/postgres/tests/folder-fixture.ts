import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface FolderEntry {
  readonly tag: string
  readonly when: number
  readonly sql: string
}

/** Writes a folder as drizzle-kit does: the SQL and `meta/_journal.json`. */
export function writeFolder(folder: string, entries: readonly FolderEntry[]): void {
  mkdirSync(join(folder, 'meta'), { recursive: true })
  for (const { tag, sql } of entries) writeFileSync(join(folder, `${tag}.sql`), sql)
  const journal = {
    version: '7',
    dialect: 'postgresql',
    entries: entries.map(({ tag, when }, idx) => ({ idx, version: '7', when, tag, breakpoints: true })),
  }
  writeFileSync(join(folder, 'meta', '_journal.json'), JSON.stringify(journal, null, 2))
}
