import { createReadStream, createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { problem, type CommandTerminal, type FeatureCommand } from '@plinth/core'
import { exportTenant, type ArchiveProgress } from './export-tenant.ts'
import { importTenant } from './import-tenant.ts'

const VARIABLE = 'PLINTH_ARCHIVE_PASSPHRASE'
/** Rows of one table between two words about it. */
const NEWS = 50_000

const secrets = {
  type: 'boolean',
  description: `with what is kept secret, under a passphrase that is asked for (or in ${VARIABLE})`,
} as const

/** `plinth tenant:export`: one tenant as a file. */
export const exportCommand: FeatureCommand = {
  name: 'tenant:export',
  summary: 'write one tenant, with all that belongs to it, into a file',
  options: {
    tenant: { type: 'string', description: 'its slug or id', required: true },
    out: { type: 'string', description: 'the file to write; there must be none yet', required: true },
    secrets,
  },
  async run(platform, options, terminal) {
    const file = resolve(String(options['out']))
    const passphrase = options['secrets'] === true ? await askPassphrase(terminal) : undefined
    if (await stat(file).catch(() => undefined))
      throw problem('already_exists', { detail: `${file} is there already, and nothing is written over.` })
    // Whoever reads it reads all of a customer: nobody but the owner may.
    const destination = createWriteStream(file, { flags: 'wx', mode: 0o600 })
    try {
      const report = await exportTenant(platform, String(options['tenant']), destination, {
        passphrase,
        onProgress: news(terminal),
      })
      const { tenant, tables, rows, sha256, left } = report
      return { file, id: tenant.id, slug: tenant.slug, tables, rows, sha256, left }
    } catch (error) {
      destination.destroy()
      // Opened only now, the file would be made behind its removal.
      if (!destination.closed) await new Promise<void>((resolve) => destination.once('close', () => resolve()))
      await rm(file, { force: true })
      throw inWords(error, file)
    }
  },
}

/** `plinth tenant:import`: a tenant from a file. */
export const importCommand: FeatureCommand = {
  name: 'tenant:import',
  summary: 'bring the tenant of a file to this platform, whole or not at all',
  positional: { name: 'file', description: 'what tenant:export wrote' },
  options: {
    as: { type: 'string', description: 'another slug than its own; with a new id where the old one is taken' },
    'dry-run': { type: 'boolean', description: 'do all of it and take all of it back' },
    secrets,
  },
  async run(platform, options, terminal) {
    const file = resolve(String(options['file']))
    const passphrase = options['secrets'] === true ? await askPassphrase(terminal) : undefined
    const as = options['as']
    try {
      const report = await importTenant(platform, () => createReadStream(file), {
        ...(typeof as === 'string' && { as }),
        dryRun: options['dry-run'] === true,
        passphrase,
        onProgress: news(terminal),
      })
      const { tenant, dryRun, tables, rows, usersCreated, usersMatched, mapped, notes } = report
      return {
        id: tenant.id,
        slug: tenant.slug,
        dryRun,
        tables,
        rows,
        usersCreated,
        usersMatched,
        mapped: Object.entries(mapped).map(([from, to]) => `${from} ${to}`),
        notes,
      }
    } catch (error) {
      throw inWords(error, file)
    }
  },
}

async function askPassphrase(terminal: CommandTerminal): Promise<string> {
  const given = process.env[VARIABLE] ?? (await terminal.ask('Passphrase (not shown): ', { hidden: true }))
  if (given === undefined)
    throw problem('validation_failed', { detail: `There is no terminal to ask for the passphrase: set ${VARIABLE}.` })
  return given
}

function news({ note }: CommandTerminal): (progress: ArchiveProgress) => void {
  let told = NEWS
  return ({ table, rows, done }) => {
    if (done) note(`  ${table}: ${rows} ${rows === 1 ? 'row' : 'rows'}`)
    else if (rows >= told) note(`  ${table}: ${rows} rows …`)
    told = done ? NEWS : rows >= told ? rows + NEWS : told
  }
}

/** What the file system says, without a stack: the file is named by whoever runs the command. */
function inWords(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return error
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'it may not be read or written',
    EEXIST: 'it is there already, and nothing is written over',
    EISDIR: 'it is a folder',
    ENOSPC: 'the disk is full',
  }
  const why = words[String(error.code)]
  return why === undefined ? error : problem('validation_failed', { detail: `${file}: ${why}.`, cause: error })
}
