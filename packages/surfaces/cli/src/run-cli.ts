import { parseArgs } from 'node:util'
import type { BoundCommand, Plinth } from '@plinth/core'
import { inWords, UsageError, type CliError } from './cli-error.ts'
import type { Command } from './command.ts'
import { doctor } from './commands/doctor.ts'
import { explain } from './commands/explain.ts'
import { featureCommand, isFeatureCommand } from './commands/feature-command.ts'
import { init } from './commands/init.ts'
import { keysGenerate } from './commands/keys-generate.ts'
import { keysRotate } from './commands/keys-rotate.ts'
import { migrate } from './commands/migrate.ts'
import { openapi } from './commands/openapi.ts'
import { permissions } from './commands/permissions.ts'
import { routes } from './commands/routes.ts'
import { worker } from './commands/worker.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { commandHelp, globalOptions, programHelp } from './help.ts'
import { hasConfig, loadConfig } from './load-config.ts'
import { ownVersion } from './own-version.ts'
import { styleOf } from './style.ts'
import type { Terminal } from './terminal.ts'

/** What the program does by itself; features bring more. */
export const commands: readonly Command[] = [
  migrate,
  doctor,
  routes,
  permissions,
  openapi,
  explain,
  init,
  keysGenerate,
  keysRotate,
  worker,
]

/** How long closing may take where a command was interrupted or has failed, in milliseconds: whoever waits has nothing of it. */
const CLOSING = 2_000

/**
 * The program `plinth`. Data goes to `out`, words to `err`; never throws and never ends the process.
 * @param args what follows the program's name
 */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [name, ...rest] = args
  const command = commands.find((one) => one.name === name)
  try {
    if (command) return await runCommand(command, rest, terminal)
    if (name === '--version' || name === '-v') terminal.out(`${ownVersion()}\n`)
    else if (name === undefined || name === '--help' || name === '-h' || name === 'help')
      terminal.out(programHelp(commands, await commandsHere(terminal)))
    else if (isFeatureCommand(name)) return await runFeatureCommand(name, rest, terminal)
    else throw noCommand(name, [])
    return exitCodes.ok
  } catch (error) {
    return tell(inWords(error), terminal, args)
  }
}

function noCommand(name: string, others: readonly BoundCommand[]): UsageError {
  const names = [...commands, ...others].map((one) => one.name)
  return new UsageError(`There is no command '${name}'. There are: ${names.join(', ')}.`)
}

/** Which commands there are beside ours is known when the configuration has been read. */
async function runFeatureCommand(name: string, args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  quietLog(args.includes('--debug') || Boolean(terminal.env['PLINTH_DEBUG']))
  const { config } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' } },
    strict: false,
    allowPositionals: true,
  }).values
  const plinth = await loadConfig(terminal, typeof config === 'string' ? config : undefined)
  const found = plinth.commands.find((one) => one.name === name)
  let code: ExitCode = exitCodes.failed
  try {
    if (!found) throw noCommand(name, plinth.commands)
    code = await runCommand(featureCommand(found), args, terminal, plinth)
  } finally {
    await closed(plinth, code)
  }
  return code
}

/** Commands of the features of the project in this folder; undefined where its configuration cannot be read. */
async function commandsHere(terminal: Terminal): Promise<readonly BoundCommand[] | undefined> {
  if (!hasConfig(terminal.cwd)) return []
  quietLog(false)
  try {
    const plinth = await loadConfig(terminal, undefined)
    await closed(plinth, exitCodes.ok)
    return plinth.commands
  } catch {
    return undefined
  }
}

async function runCommand(
  command: Command,
  args: readonly string[],
  terminal: Terminal,
  loaded?: Plinth,
): Promise<ExitCode> {
  const { values, positionals } = parse(command, args)
  if (values['help'] === true) {
    terminal.out(commandHelp(command))
    return exitCodes.ok
  }
  if (positionals.length > (command.positional ? 1 : 0))
    throw new UsageError(`'${positionals.at(-1)}' is one argument too many. See plinth ${command.name} --help.`)
  if (command.positional?.required && positionals.length === 0)
    throw new UsageError(`<${command.positional.name}> is missing. See plinth ${command.name} --help.`)
  const debug = values['debug'] === true || Boolean(terminal.env['PLINTH_DEBUG'])
  if (!command.drains) quietLog(debug)
  else if (debug) process.env['LOG_LEVEL'] ||= 'debug'
  const text = (option: string): string | undefined => {
    const value = values[option]
    return typeof value === 'string' ? value : undefined
  }
  let opened = loaded
  const work = command.run({
    terminal,
    style: styleOf(terminal.hasColor),
    positional: positionals[0],
    text,
    flag: (option) => values[option] === true,
    json: values['json'] === true,
    printJson: (value) => terminal.out(`${JSON.stringify({ command: command.name, ...value }, null, 2)}\n`),
    plinth: async () => (opened ??= await loadConfig(terminal, text('config'))),
  })
  let code: ExitCode = exitCodes.failed
  let isClosed = true
  try {
    code = await (command.drains ? work : Promise.race([work, interruption(terminal)]))
  } finally {
    work.catch(() => undefined)
    if (!loaded) isClosed = await closed(opened, code)
  }
  return command.drains && !isClosed ? exitCodes.failed : code
}

/** What was done may still have a mail on its way: the platform itself bounds how long that takes. Whether all could be closed. */
async function closed(plinth: Plinth | undefined, code: ExitCode): Promise<boolean> {
  const closing = (plinth?.close() ?? Promise.resolve()).then(
    () => true,
    () => false,
  )
  return code === exitCodes.ok ? closing : Promise.race([closing, after(CLOSING).then(() => false)])
}

function parse(
  command: Command,
  args: readonly string[],
): {
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  readonly positionals: readonly string[]
} {
  const options = Object.fromEntries(
    Object.entries({ ...command.options, ...globalOptions }).map(([name, option]) => [
      name,
      { type: option.type, ...('short' in option ? { short: option.short } : {}) },
    ]),
  )
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error)
    throw new UsageError(`${message}. See plinth ${command.name} --help.`)
  }
}

/** Standard output is for data: the platform's own log goes where the words go, and only what matters of it. */
function quietLog(debug: boolean): void {
  process.env['LOG_TO'] ||= 'stderr'
  process.env['LOG_LEVEL'] ||= debug ? 'debug' : 'error'
}

async function interruption({ interrupted, err }: Terminal): Promise<ExitCode> {
  if (!interrupted.aborted)
    await new Promise((resolve) => interrupted.addEventListener('abort', resolve, { once: true }))
  err('\nInterrupted. What was not finished was not kept.\n')
  return exitCodes.interrupted
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref())
}

function tell(error: CliError, terminal: Terminal, args: readonly string[]): ExitCode {
  const { red, dim } = styleOf(terminal.hasColor)
  const { code, message, faults } = error
  if (args.includes('--json'))
    terminal.out(`${JSON.stringify({ command: args[0], ok: false, error: { code, message, faults } }, null, 2)}\n`)
  terminal.err(`${red('plinth:')} ${message}\n`)
  for (const { path, problem, fix } of faults) terminal.err(`  ${path}: ${problem}\n    fix: ${fix}\n`)
  if (args.includes('--debug') || terminal.env['PLINTH_DEBUG']) {
    const cause = error.cause instanceof Error ? error.cause : error
    terminal.err(dim(`${cause.stack ?? cause.message}\n`))
  }
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed
}
