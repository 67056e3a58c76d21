import type { StartupFault } from '../errors/startup-error.ts'

export interface MigrateOptions {
  /** A drizzle-kit folder to run between the platform's SQL and the policies; production uses it. */
  readonly folder?: string
  /** Told of each step when it begins and when its part is committed; for people who wait. */
  readonly onProgress?: (progress: MigrationProgress) => void
}

/** `running`: the step that is being run now. `done`: it is committed. */
export interface MigrationProgress {
  readonly state: 'running' | 'done'
  /** In the words of the report: `created table sites`. */
  readonly step: string
}

export interface MigrationReport {
  /** What was done, in order, in words (`created table sites`). Empty when all was up to date. */
  readonly applied: readonly string[]
  /** What an operator should know (a role that could not be made …). */
  readonly warnings: readonly string[]
  /**
   * With a schema for each tenant: those whose schema could not be brought up to date. They answer 503, the others serve. A
   * command line that finds one here has failed.
   */
  readonly failed: readonly StartupFault[]
}
