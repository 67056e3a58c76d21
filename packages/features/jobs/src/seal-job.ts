import type { Platform, PrincipalKind } from '@plinth/core'

/** In whose name a job runs. */
export interface Asker {
  readonly principalKind: PrincipalKind
  readonly principalId: string
  readonly userId: string | null
  readonly secondFactor: boolean
}

export interface SealedJob extends Asker {
  readonly tenantId: string
  readonly id: string
  readonly type: string
  /** Until when whoever asked had signed in. */
  readonly createdAt: Date
  readonly key: string | null
  /** As JSON, in whatever order and with whatever space. */
  readonly payload: string
}

export interface Seals {
  readonly seal: string
  /** Null for what an earlier release asked for, which knew none. */
  readonly inputSeal: string | null
}

const PURPOSE = 'plinth job'
const PURPOSE_OF_INPUT = 'plinth job and its input'

/**
 * Signs in whose name a job runs, and what it was given. Whoever has brought SQL of his own into a statement of the runtime login may insert
 * rows, and set the settings that policies read; the key ring he has not, and the seals of others he cannot read.
 *
 * Two, so that a process of the release before, which goes on beside, finds the one that it knows.
 */
export function sealJob(
  { secrets }: Pick<Platform, 'secrets'>,
  job: SealedJob,
): Seals & { readonly inputSeal: string } {
  return { seal: secrets.sign(PURPOSE, textOf(job)), inputSeal: secrets.sign(PURPOSE_OF_INPUT, wholeTextOf(job)) }
}

/**
 * An empty seal is one that only the owner of the tables and `plinth_system` may write: of jobs by the clock, and of earlier versions. Never
 * throws: the others that were claimed with it would not be run.
 */
export function isGenuine({ secrets }: Pick<Platform, 'secrets'>, job: SealedJob, { seal, inputSeal }: Seals): boolean {
  if (seal === '') return true
  try {
    return inputSeal === null
      ? secrets.verify(PURPOSE, textOf(job), seal)
      : secrets.verify(PURPOSE_OF_INPUT, wholeTextOf(job), inputSeal)
  } catch {
    // Nested deeper than the stack reaches: nobody has signed that.
    return false
  }
}

const factsOf = ({ tenantId, id, type, principalKind, principalId, userId, secondFactor }: SealedJob): unknown[] => [
  tenantId,
  id,
  type,
  principalKind,
  principalId,
  userId,
  secondFactor,
]

const textOf = (job: SealedJob): string => JSON.stringify(factsOf(job))

/** The input itself and no digest of it: that would be one more for most, which are short. */
function wholeTextOf(job: SealedJob): string {
  return JSON.stringify([...factsOf(job), job.createdAt.getTime(), job.key]) + sorted(JSON.parse(job.payload))
}

/** One text for one value: PostgreSQL keeps what JSON says, and neither the order of its names nor how a number is written. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = value as Readonly<Record<string, unknown>>
  const names = Object.keys(members).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${sorted(members[name])}`).join(',')}}`
}
