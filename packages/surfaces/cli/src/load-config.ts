import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plinth } from '@plinth/core'
import { CliError, inWords, UsageError } from './cli-error.ts'
import type { Terminal } from './terminal.ts'

const names = ['plinth.config.ts', 'plinth.config.mts', 'plinth.config.js', 'plinth.config.mjs'] as const

/** The line that a configuration needs. */
const line = "export { plinth } from './src/plinth.ts'"

/**
 * Imports the configuration and gives the platform that it exports as `plinth`.
 * @throws CliError with the line to write; the faults of `createPlinth` as they are
 */
export async function loadConfig(terminal: Terminal, given: string | undefined): Promise<Plinth> {
  const file = findConfig(terminal.cwd, given)
  const shown = relative(terminal.cwd, file) || file
  resolveTypeScript()
  let module: Readonly<Record<string, unknown>>
  try {
    module = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>
  } catch (error) {
    throw importTrouble(error, shown)
  }
  const found = module['plinth']
  if (isPlinth(found)) return found
  const problem = found === undefined ? 'exports no `plinth`' : 'exports a `plinth` that createPlinth() did not make'
  throw new CliError('config_export', `${shown} ${problem}. Write: ${line}`)
}

function findConfig(cwd: string, given: string | undefined): string {
  if (given !== undefined) {
    const file = resolve(cwd, given)
    if (existsSync(file)) return file
    throw new UsageError(`There is no file ${given}.`)
  }
  const found = configIn(cwd)
  if (found !== undefined) return found
  throw new CliError(
    'config_missing',
    `There is no plinth.config.ts in ${cwd}. Make one with \`plinth init\`, name another with --config, or write: ${line}`,
  )
}

function configIn(cwd: string): string | undefined {
  return names.map((name) => join(cwd, name)).find((file) => existsSync(file))
}

/** Is there a configuration in this folder? */
export const hasConfig = (cwd: string): boolean => configIn(cwd) !== undefined

function isPlinth(value: unknown): value is Plinth {
  return typeof value === 'object' && value !== null && 'registry' in value && 'routes' in value && 'inspect' in value
}

function importTrouble(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  const trouble = (words: string): CliError => new CliError('config_import', `${file}: ${words}`, { cause: error })
  switch (code) {
    case 'ERR_MODULE_NOT_FOUND': {
      const name = /package '([^']+)'/.exec(message)?.[1]
      return trouble(name === undefined ? message : `${message}. Install it: npm install ${name}`)
    }
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return trouble(
        `${message}. Node strips types and nothing else: enums, namespaces and parameter properties need \`--config\` with the compiled file`,
      )
    case 'ERR_INVALID_TYPESCRIPT_SYNTAX':
      return trouble(message)
    default: {
      if (error instanceof SyntaxError) return trouble(`is no JavaScript that Node can read: ${message}`)
      const known = inWords(error)
      return known.code === 'unexpected' ? trouble(`threw: ${message}`) : known
    }
  }
}

let resolving = false

/**
 * `./schema.js` and `./schema` mean schema.ts where there is nothing else: compilers and bundlers read them so, and a product
 * that is built by one writes them so.
 */
function resolveTypeScript(): void {
  if (resolving) return
  resolving = true
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context)
      } catch (error) {
        if (!/^\.{1,2}\//.test(specifier)) throw error
        const found = [specifier.replace(/\.(m?)js$/, '.$1ts'), `${specifier}.ts`, `${specifier}/index.ts`].find(
          (one) => one !== specifier && existsSync(new URL(one, context.parentURL)),
        )
        if (found === undefined) throw error
        return next(found, context)
      }
    },
  })
}
