/** One fault of the declaration or the configuration: where it is, what is wrong, and the line that mends it. */
export interface StartupFault {
  readonly path: string
  readonly problem: string
  readonly fix: string
}

/** All faults found at start, at once: fixing them one by one costs a restart each. */
export class StartupError extends Error {
  override readonly name = 'StartupError'
  declare readonly faults: readonly StartupFault[]

  constructor(faults: readonly StartupFault[]) {
    const lines = faults.map((fault) => `  ${fault.path}: ${fault.problem}\n    fix: ${fault.fix}`)
    super(`Plinth cannot start: ${faults.length === 1 ? 'one fault' : `${faults.length} faults`}\n${lines.join('\n')}`)
    // The message says them all; Node prints every member of an uncaught error that is enumerable after it, once more.
    Object.defineProperty(this, 'faults', { value: faults })
  }
}
