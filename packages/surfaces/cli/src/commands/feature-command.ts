import type { BoundCommand, CommandTerminal } from '@plinth/core'
import { UsageError } from '../cli-error.ts'
import { configOption, type Command, type CommandOption } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Terminal } from '../terminal.ts'

/** Names of commands that features bring have two words; those of the program that are about a platform have one. */
export const isFeatureCommand = (name: string): boolean => /^[a-z][a-z-]*:[a-z][a-z-]*$/.test(name)

/** A verb of a feature as a command like all others: its options are parsed, its result is printed. */
export function featureCommand({ name, summary, positional, options, run }: BoundCommand): Command {
  const own: Record<string, CommandOption> = {}
  for (const [option, { type, description, required }] of Object.entries(options))
    own[option] = {
      type,
      description: required ? `${description} (required)` : description,
      ...(type === 'string' && { value: option }),
    }
  return {
    name,
    summary,
    details: 'A command of a feature of this project. What was done goes to standard output.',
    ...(positional && { positional: { ...positional, required: true } }),
    options: { ...own, ...configOption },
    async run({ terminal, positional: behind, text, flag, json, printJson }) {
      const given: Record<string, string | boolean | undefined> = positional ? { [positional.name]: behind } : {}
      for (const [option, { type, required }] of Object.entries(options)) {
        const value = type === 'boolean' ? flag(option) : text(option)
        if (required && (value === undefined || value === '' || value === false))
          throw new UsageError(`--${option} is missing. See plinth ${name} --help.`)
        given[option] = value
      }
      const done = await run(given, terminalOf(terminal))
      if (json) printJson({ ok: true, result: done })
      else
        for (const [member, value] of Object.entries(done))
          for (const each of Array.isArray(value) ? value : [value]) terminal.out(`${member}: ${each}\n`)
      return exitCodes.ok
    },
  }
}

function terminalOf({ err, ask }: Terminal): CommandTerminal {
  return {
    note: (text) => err(`${text}\n`),
    ask: async (question, options = {}) => ask?.(question, { hidden: options.hidden ?? false }),
  }
}
