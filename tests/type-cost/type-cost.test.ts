import { expect, test } from 'vitest'
import { checkProgram } from './check-program.ts'
import { generateProgram } from './generate.ts'

/*
 * What checking the types of a large product costs. Counted, not timed: instantiations are the same on every machine. With
 * rows inferred from Drizzle's tables, 200 resources took 16.7 s and 2.9 GB; with `input?: I[K] & z.ZodType` in an action,
 * 10.9 million instantiations and 1.5 GB; with `Z extends z.ZodType` in an action and in the client, 3.0 million and 0.4 GB.
 */
const RESOURCES = 200
/** Measured 1.27 million, 0.79 of them for the packages themselves. */
const MOST_INSTANTIATIONS = 1_600_000
/** Measured 275. */
const MOST_MEMORY_MB = 400

test(
  `${RESOURCES} resources of 12 columns, two actions each, and a client mapped from them`,
  { timeout: 300_000 },
  async () => {
    const cost = await checkProgram(generateProgram(RESOURCES), 'one')
    console.log(`types: ${cost.instantiations} instantiations, ${cost.memoryMb.toFixed(0)} MB`)
    expect(cost.errors).toEqual([])
    expect(cost.instantiations).toBeLessThan(MOST_INSTANTIATIONS)
    expect(cost.memoryMb).toBeLessThan(MOST_MEMORY_MB)
  },
)
