import type { StartupFault } from '../errors/startup-error.ts'

/** One thing that `plinth doctor` found: where, what is wrong, and what mends it. */
export interface Finding extends StartupFault {
  /** Stable, for scripts and alerts: `row_security_off`. The words may change, the code does not. */
  readonly code: string
  /** `error`: serving is refused, or isolation suffers. `warning`: it works, and somebody should look. */
  readonly severity: 'error' | 'warning'
  /** Statements that mend it exactly as they are written, run as the owner of the database. */
  readonly sql?: string
}
