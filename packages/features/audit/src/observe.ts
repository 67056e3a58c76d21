import { statement, type Observed, type Platform } from '@plinth/core'
import { ACKNOWLEDGED } from './verify/acknowledged.ts'

/** How old an entry may be that is in no chain yet, in seconds: it gets there once a second. */
const LONGEST_WAIT_S = 300

/** What the log shows of itself: entries that are written, and not yet chained. */
export function observeAudit({ database, clock }: Pick<Platform, 'database' | 'clock'>): Observed {
  interface Waiting {
    readonly entries: number
    readonly oldest: number
    /** Logs in which something was found that is not as it was written. */
    readonly broken: number
  }
  const ask = async (): Promise<Waiting> => {
    const [row] = await database.system((system) =>
      system.run(statement`
        select count(*)::int as entries,
          coalesce(extract(epoch from ${clock.now()}::text::timestamptz - min(occurred_at)), 0)::float8 as oldest,
          (select count(*) from plinth.audit_checkpoints where fault is not null and not starts_with(fault, ${ACKNOWLEDGED}::text))::int as broken
        from (select occurred_at from plinth.audit_inbox order by position limit 100000) i`),
    )
    return {
      entries: Number(row?.['entries']),
      oldest: Math.max(0, Number(row?.['oldest'])),
      broken: Number(row?.['broken']),
    }
  }
  let look: Promise<Waiting> | undefined
  const seen = (): Promise<Waiting> => (look ??= ask().finally(() => (look = undefined)))
  return {
    checks: [
      {
        name: 'audit',
        freshMs: 5_000,
        async check() {
          const { oldest, broken } = await seen()
          if (broken > 0)
            throw new Error(`Logs that are not as they were written: ${broken}. \`plinth audit:verify\` says which.`)
          if (oldest > LONGEST_WAIT_S)
            throw new Error(`An entry has waited for its chain for ${Math.round(oldest)} seconds.`)
        },
      },
    ],
    metrics: [
      {
        name: 'plinth_audit_waiting',
        help: 'Entries of the audit log that are in no chain yet, up to 100,000.',
        type: 'gauge',
        read: async () => [{ value: (await seen()).entries }],
      },
      {
        name: 'plinth_audit_oldest_seconds',
        help: 'Age of the oldest entry that is in no chain yet.',
        type: 'gauge',
        read: async () => [{ value: (await seen()).oldest }],
      },
      {
        name: 'plinth_audit_broken',
        help: 'Logs in which an entry was found that is not as it was written.',
        type: 'gauge',
        read: async () => [{ value: (await seen()).broken }],
      },
    ],
  }
}
