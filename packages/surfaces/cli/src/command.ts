import type { Plinth } from '@plinth/core'
import type { ExitCode } from './exit-codes.ts'
import type { Style } from './style.ts'
import type { Terminal } from './terminal.ts'

export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** What stands for the value in the help: `file`. */
  readonly value?: string
  readonly description: string
}

/** One command, as data: the help, the parser and the documentation read it. */
export interface Command {
  readonly name: string
  readonly summary: string
  /** More lines for its own help. */
  readonly details: string
  readonly positional?: { readonly name: string; readonly description: string; readonly required: boolean }
  readonly options: Readonly<Record<string, CommandOption>>
  /**
   * A process of the service: it logs as those that serve do, ends by itself when it is interrupted, and with 0 where all could be
   * closed.
   */
  readonly drains?: true
  readonly run: (call: CommandCall) => Promise<ExitCode>
}

export interface CommandCall {
  readonly terminal: Terminal
  readonly style: Style
  readonly positional: string | undefined
  readonly text: (option: string) => string | undefined
  readonly flag: (option: string) => boolean
  readonly json: boolean
  /** Prints the one JSON object of `--json`. */
  readonly printJson: (value: Readonly<Record<string, unknown>>) => void
  /** The platform of the configuration; closed when the command ends. */
  readonly plinth: () => Promise<Plinth>
}

/** Options of every command that reads the configuration. */
export const configOption = {
  config: {
    type: 'string',
    value: 'file',
    description: 'the configuration, instead of plinth.config.ts in this folder',
  },
} as const satisfies Command['options']
