import { spread, type Spread } from '../report/statistics.ts'

const SAMPLES = 7
const SAMPLE_MS = 30

// What a call returns ends up here, or the compiler would find out that nobody wants it and leave the call out.
let kept: unknown
export const lastResult = (): unknown => kept

/** Microseconds per call, hot: the shortest loop takes 30 ms, so the clock does not matter. */
export function timeCall(call: (turn: number) => unknown): Spread {
  let turns = 16
  while (runMs(call, turns) < SAMPLE_MS) turns *= 2
  return spread(Array.from({ length: SAMPLES }, () => (runMs(call, turns) * 1_000) / turns))
}

function runMs(call: (turn: number) => unknown, turns: number): number {
  const startedAt = performance.now()
  for (let turn = 0; turn < turns; turn += 1) kept = call(turn)
  return performance.now() - startedAt
}
