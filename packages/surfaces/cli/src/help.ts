import type { Command, CommandOption } from './command.ts'
import { printColumns } from './style.ts'

export const globalOptions = {
  json: { type: 'boolean', description: 'one JSON object on standard output' },
  debug: { type: 'boolean', description: 'the stack of an error, and the log (also PLINTH_DEBUG=1)' },
  help: { type: 'boolean', short: 'h', description: 'this text' },
} as const satisfies Record<string, CommandOption>

/** @param here commands of features of the project in this folder; undefined where its configuration cannot be read */
export function programHelp(
  commands: readonly Command[],
  here: readonly Pick<Command, 'name' | 'summary'>[] | undefined,
): string {
  const list = (some: readonly Pick<Command, 'name' | 'summary'>[]): string =>
    printColumns(
      some.map(({ name, summary }) => [name, summary]),
      '  ',
    )
  const features =
    here === undefined
      ? '\nFeatures may bring more, but the configuration of this project cannot be read: plinth routes says why.\n'
      : here.length === 0
        ? ''
        : `\nCommands of features of this project\n${list(here)}`
  return `Usage: plinth <command> [options]

Commands
${list(commands)}${features}
Every command takes --json, --debug and --help; \`plinth <command> --help\` tells the rest. --version prints the version.
Exit codes: 0 done, 1 failed or something found, 2 wrong usage, 130 interrupted.
`
}

export function commandHelp(command: Command): string {
  const { positional } = command
  const name = positional ? (positional.required ? ` <${positional.name}>` : ` [${positional.name}]`) : ''
  const options = Object.entries({ ...command.options, ...globalOptions }) as [string, CommandOption][]
  return `Usage: plinth ${command.name}${name} [options]

${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.
${command.details}
${positional ? `\n  ${positional.name}: ${positional.description}\n` : ''}
Options
${printColumns(
  options.map(([option, { short, value, description }]) => [
    `${short === undefined ? '' : `-${short}, `}--${option}${value === undefined ? '' : ` <${value}>`}`,
    description,
  ]),
  '  ',
)}`
}
