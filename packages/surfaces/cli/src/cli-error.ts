import type { PlinthError, StartupFault } from '@plinth/core'

/** Something to tell in words; the program ends with 1. */
export class CliError extends Error {
  override readonly name: string = 'CliError'
  /** Stable, for `--json`. */
  readonly code: string
  readonly faults: readonly StartupFault[]

  constructor(code: string, message: string, options: { faults?: readonly StartupFault[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.faults = options.faults ?? []
  }
}

/** The command line was wrong; the program ends with 2. */
export class UsageError extends CliError {
  override readonly name = 'UsageError'

  constructor(message: string) {
    super('usage', message)
  }
}

/**
 * Any error in words. Told by their names, since the configuration may have another copy of the packages than we do.
 * What nobody expected says so; its stack is shown by `--debug`.
 */
export function inWords(error: unknown): CliError {
  if (error instanceof CliError) return error
  const cause = { cause: error }
  if (!(error instanceof Error)) return new CliError('unexpected', `Something was thrown: ${String(error)}`, cause)
  if (error.name === 'StartupError' && 'faults' in error) {
    const faults = error.faults as readonly StartupFault[]
    const words = faults.length === 1 ? 'There is one fault.' : `There are ${faults.length} faults.`
    return new CliError('faults', words, { faults, cause: error })
  }
  // A driver's refusal says what to do, and lies at the bottom.
  for (let one: unknown = error; one instanceof Error; one = one.cause)
    if (one.name === 'DriverError') return new CliError('database', one.message, cause)
  if (error.name === 'MigrationRefused') return new CliError('migration_refused', error.message, cause)
  if (error.name === 'MigrationStepError') return new CliError('migration_failed', error.message, cause)
  if (error.name === 'PlinthError') return refusal(error)
  return new CliError('unexpected', `Unexpected: ${error.message} (--debug shows where)`, cause)
}

/** An error of the platform, with each fault of the input; its own code tells a script more than ours. */
function refusal(error: Error): CliError {
  const { code, errors } = error as Partial<PlinthError>
  const words = (errors ?? []).map(({ path, message }) => `\n  ${path}: ${message}`)
  return new CliError(code ?? 'refused', `${error.message}${words.join('')}`, { cause: error })
}
