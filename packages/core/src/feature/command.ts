import type { Platform } from '../platform/platform.ts'

/** An option of a command: `--email ada@example.com`, `--force`. */
export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly description: string
  readonly required?: boolean
}

/** The terminal as a command sees it. */
export interface CommandTerminal {
  /** A line for people, to standard error; what was made goes into the result. */
  readonly note: (text: string) => void
  /** Asks for a line; what is typed is not shown where it is a secret. Undefined where nobody is there to ask. */
  readonly ask: (question: string, options?: { readonly hidden?: boolean }) => Promise<string | undefined>
}

/** A verb that a feature adds to the command line. */
export interface FeatureCommand {
  /** `admin:create`. */
  readonly name: string
  readonly summary: string
  /** What stands behind the name without an option: `plinth tenant:import <file>`; given as the option of this name. */
  readonly positional?: { readonly name: string; readonly description: string }
  readonly options: Readonly<Record<string, CommandOption>>
  /**
   * @returns what was done: printed as lines `name: value` (of a list one for each), or as JSON
   * @throws PlinthError for what the caller can mend
   */
  run(
    platform: Platform,
    options: Readonly<Record<string, string | boolean | undefined>>,
    terminal: CommandTerminal,
  ): Promise<Readonly<Record<string, string | number | boolean | readonly string[]>>>
}
