import { setTimeout as sleep } from 'node:timers/promises'
import { resolve } from 'node:path'
import type { MigrateOptions, MigrationReport, Plinth, StartupFault } from '@plinth/core'
import { inWords, UsageError } from '../cli-error.ts'
import { configOption, type Command } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Terminal } from '../terminal.ts'

const WAIT_SECONDS = 30
const PAUSE = 1_000

export const migrate: Command = {
  name: 'migrate',
  summary: 'bring the database to what this code declares',
  details: `Applies the platform's SQL, then creates what registered tables lack (or runs a drizzle-kit folder), then policies and
grants, under a lock. It never alters or drops: where that is needed it changes nothing and says what to write.
There is no dry run: what a step finds depends on the steps before it, so only a copy of the database could tell.`,
  options: {
    ...configOption,
    folder: {
      type: 'string',
      value: 'dir',
      description: 'run this folder of drizzle-kit instead of adding what is missing',
    },
    wait: {
      type: 'string',
      value: 'seconds',
      description: `wait for a database that starts (default ${WAIT_SECONDS}, 0: not)`,
    },
  },
  async run({ terminal, style, json, printJson, text, plinth }) {
    const seconds = readSeconds(text('wait'))
    const folder = text('folder')
    const platform = await plinth()
    const line = liveLine(terminal)
    const options: MigrateOptions = {
      ...(folder === undefined ? {} : { folder: resolve(terminal.cwd, folder) }),
      onProgress({ state, step }) {
        if (state === 'running') line.show(step)
        else line.print(`  ${style.green('✓')} ${step}`)
      },
    }
    const report = await patiently(platform, options, Date.now() + seconds * 1_000, terminal, line).finally(line.clear)
    for (const warning of report.warnings) terminal.err(`${style.yellow('warning:')} ${warning}\n`)
    const { applied, warnings, failed } = report
    if (json) printJson({ ok: failed.length === 0, applied, warnings, failed })
    // With a schema for each tenant: the others are done, and the next run does these alone.
    for (const { path, problem, fix } of failed)
      terminal.err(`${style.red('✗')} ${path}: ${problem}\n    fix: ${fix}\n`)
    const { length } = applied
    const done = `Done: ${length} ${length === 1 ? 'step' : 'steps'}.`
    if (failed.length > 0) {
      terminal.err(`${done} ${failed.length} failed; what they are about answers 503 until it is mended.\n`)
      return exitCodes.failed
    }
    terminal.err(length === 0 ? 'The database is up to date.\n' : `${done}\n`)
    return exitCodes.ok
  },
}

function readSeconds(text: string | undefined): number {
  if (text === undefined) return WAIT_SECONDS
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw new UsageError(`--wait takes a number of seconds, not '${text}'.`)
}

interface LiveLine {
  readonly show: (text: string) => void
  readonly print: (text: string) => void
  readonly clear: () => void
}

/** One line that is written over where somebody looks; elsewhere what is done is a line each, and what runs is not told. */
function liveLine({ isLive, err }: Terminal): LiveLine {
  const clear = (): void => {
    if (isLive) err('\r\u001b[K')
  }
  return {
    show: (text) => {
      if (isLive) err(`\r\u001b[K  … ${text.slice(0, 100)}`)
    },
    print: (text) => {
      clear()
      err(`${text}\n`)
    },
    clear,
  }
}

/** A database that is just being started is waited for; one that refuses the login is not. */
async function patiently(
  plinth: Plinth,
  options: MigrateOptions,
  until: number,
  terminal: Terminal,
  line: LiveLine,
): Promise<MigrationReport> {
  for (let told = false; ; told = true) {
    try {
      return await plinth.migrate(options)
    } catch (error) {
      const faults = inWords(error).faults
      if (!faults.some(isStarting) || Date.now() + PAUSE > until || terminal.interrupted.aborted) throw error
      if (!told) line.print(`Waiting for the database: ${faults.find(isStarting)?.problem ?? ''}`)
      line.show('waiting for the database')
      await sleep(PAUSE)
    }
  }
}

/** Refused by nobody listening, or by a server that says that it starts: not by one that knows us not. */
function isStarting({ problem }: StartupFault): boolean {
  return (
    /cannot be reached/.test(problem) && !/password|authentication|does not exist|pg_hba|certificate/i.test(problem)
  )
}
