import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CliError, UsageError } from '../cli-error.ts'
import { configOption, type Command } from '../command.ts'
import { compareJson, type JsonDifference } from '../compare-json.ts'
import { exitCodes } from '../exit-codes.ts'

const SHOWN = 20
const signs: Readonly<Record<JsonDifference['kind'], string>> = { added: '+', removed: '-', changed: '~' }

export const openapi: Command = {
  name: 'openapi',
  summary: 'print the OpenAPI document, write it, or compare it with a committed one',
  details:
    'Without options the document goes to standard output. --check ends with 1 where the file says something else.',
  options: {
    ...configOption,
    out: { type: 'string', value: 'file', description: 'write the document to this file' },
    check: { type: 'string', value: 'file', description: 'compare with this file and change nothing' },
  },
  async run({ terminal, style, json, printJson, text, plinth }) {
    const [out, check] = [text('out'), text('check')]
    if (out !== undefined && check !== undefined) throw new UsageError('--out and --check exclude each other.')
    const printed = `${JSON.stringify((await plinth()).openapi(), null, 2)}\n`
    if (check !== undefined) {
      const differences = compareJson(read(resolve(terminal.cwd, check), check), JSON.parse(printed))
      const same = differences.length === 0
      if (json) printJson({ ok: same, file: check, differences })
      else {
        for (const { pointer, kind } of differences.slice(0, SHOWN))
          terminal.out(`${signs[kind]} ${pointer === '' ? '(the whole document)' : pointer}\n`)
        if (differences.length > SHOWN) terminal.out(`  … and ${differences.length - SHOWN} more\n`)
      }
      if (same) terminal.err(`${style.green(check)} is up to date.\n`)
      else terminal.err(`${check} is not what is served. Write it anew: plinth openapi --out ${check}\n`)
      return same ? exitCodes.ok : exitCodes.failed
    }
    if (out === undefined) {
      // The document is the data: --json has nothing to add to it.
      terminal.out(printed)
      return exitCodes.ok
    }
    try {
      writeFileSync(resolve(terminal.cwd, out), printed)
    } catch (error) {
      throw new CliError('file', `${out} cannot be written: ${String(error)}`, { cause: error })
    }
    if (json) printJson({ ok: true, file: out })
    terminal.err(`Wrote ${out}.\n`)
    return exitCodes.ok
  },
}

function read(file: string, shown: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is no JSON' : 'cannot be read'
    throw new CliError('file', `${shown} ${why}. Write it anew: plinth openapi --out ${shown}`, { cause: error })
  }
}
