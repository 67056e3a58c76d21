import { expect, test } from 'vitest'
import { checkProgram } from './check-program.ts'

/*
 * What checking the types of a large product costs. Counted, not timed: instantiations are the same on every machine. With
 * rows inferred from Drizzle's tables, 200 resources took 16.7 s and 2.9 GB; with `input?: I[K] & z.ZodType` in an action,
 * 10.9 million instantiations and 1.5 GB.
 */
const RESOURCES = 200
/** Measured 2.84 million, 0.59 of them for the packages themselves. */
const MOST_INSTANTIATIONS = 3_500_000
const MOST_MEMORY_MB = 1_536

test(
  `${RESOURCES} resources of 12 columns, two actions each, and a client mapped from them`,
  { timeout: 300_000 },
  async () => {
    const cost = await checkProgram(RESOURCES, 'one')
    console.log(`types: ${cost.instantiations} instantiations, ${cost.memoryMb.toFixed(0)} MB`)
    expect(cost.errors).toEqual([])
    expect(cost.instantiations).toBeLessThan(MOST_INSTANTIATIONS)
    expect(cost.memoryMb).toBeLessThan(MOST_MEMORY_MB)
  },
)
