import { readDuration, type StartupFault } from '@plinth/core'

export interface JobsOptions {
  /** How many jobs, or transactions that several share, a process runs at once. Default 5: half of a pool, since requests need the rest. */
  readonly concurrency?: number
  /**
   * `here` (default): every process that serves also runs jobs. `apart`: only those that are started for it do (`plinth worker`), and
   * one that serves hands them out.
   */
  readonly workers?: 'here' | 'apart'
  /** How many jobs of one tenant may wait; one more is refused (429 `queue_full`). Default 10,000. */
  readonly mostWaiting?: number
  /** How many jobs of one tenant are on their way to workers at once. Default 250. */
  readonly window?: number
  /** How long those that are running may take to end when the process is asked to. Default `20s`. */
  readonly grace?: string
  /** How long a process may say nothing before its jobs are given to others. Default `30s`. */
  readonly lease?: string
  /** How long jobs that are done or cancelled are kept. Default `7d`. */
  readonly keep?: string
  /** How long dead ones are. Default `90d`. */
  readonly keepDead?: string
  /** How many dead ones of a tenant are kept; the newest stay. Default 10,000. */
  readonly mostDead?: number
  /** Milliseconds between two looks when there is nothing to do. Default 250. */
  readonly pollMs?: number
}

/** The same, settled. Times in milliseconds. */
export interface JobsSettings {
  readonly concurrency: number
  readonly here: boolean
  readonly mostWaiting: number
  readonly window: number
  readonly graceMs: number
  readonly leaseMs: number
  readonly keepMs: number
  readonly keepDeadMs: number
  readonly mostDead: number
  readonly pollMs: number
}

/** Settles the defaults; what is wrong is pushed to `faults`. */
export function settle(options: JobsOptions, faults: StartupFault[]): JobsSettings {
  const count = (name: 'concurrency' | 'mostWaiting' | 'mostDead' | 'window' | 'pollMs', usual: number): number => {
    const given = options[name] ?? usual
    if (!Number.isInteger(given) || given < 1)
      faults.push({ path: `jobs.${name}`, problem: `${given} is no count`, fix: `${name}: ${usual}` })
    return given
  }
  const time = (name: 'grace' | 'lease' | 'keep' | 'keepDead', usual: string): number => {
    const seconds = readDuration(options[name] ?? usual)
    if (seconds === undefined)
      faults.push({
        path: `jobs.${name}`,
        problem: `'${options[name]}' is no length of time`,
        fix: `${name}: '${usual}'`,
      })
    return (seconds ?? 1) * 1_000
  }
  return {
    concurrency: count('concurrency', 5),
    here: (options.workers ?? 'here') === 'here',
    mostWaiting: count('mostWaiting', 10_000),
    window: count('window', 250),
    graceMs: time('grace', '20s'),
    leaseMs: time('lease', '30s'),
    keepMs: time('keep', '7d'),
    keepDeadMs: time('keepDead', '90d'),
    mostDead: count('mostDead', 10_000),
    pollMs: count('pollMs', 250),
  }
}
