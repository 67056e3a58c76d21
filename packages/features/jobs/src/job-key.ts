import type { Job } from '@plinth/core'

const LONGEST = 200

/** Jobs of one key run one after the other; null for one that waits for none. Half a character at the end is none that PostgreSQL takes. */
export function keyOf(job: Job, input: unknown): string | null {
  const keyOfInput = job.key as ((input: unknown) => string | undefined) | undefined
  return keyOfInput?.(input)?.slice(0, LONGEST).toWellFormed() ?? null
}
