import type { ServerSpec } from '../servers/catalog.ts'
import type { Target, Workload } from '../workloads.ts'
import { Samples } from '../report/figures.ts'
import { measure, warmUp, type LoadGenerator, type MeasureOptions, type Sample } from './measure.ts'
import { DISTURBED } from './machine-load.ts'
import type { RunningServer } from './running-server.ts'

export interface Entrant {
  readonly spec: ServerSpec
  readonly server: RunningServer
  readonly target: Target
  /** Before every run that writes: what autovacuum and the checkpointer would do at a time of their own. */
  readonly settle: () => Promise<void>
}

export interface RoundOptions extends MeasureOptions {
  readonly rounds: number
  readonly load: LoadGenerator
  readonly say: (words: string) => void
  /** How long each server is warmed up before the first round, in all. */
  readonly firstWarmUpSeconds: number
  /** How many disturbed runs may be done again, in all. */
  readonly repeats: number
}

/**
 * Rounds × workloads × servers. Interleaved: a machine that slows down for a minute slows all servers down. Who begins
 * changes from round to round, so that no server always runs in the same one's wake.
 */
export async function runRounds(
  entrants: readonly Entrant[],
  workloads: readonly Workload[],
  options: RoundOptions,
): Promise<Samples> {
  const samples = new Samples()
  const repeats = { left: options.repeats }
  options.say('warming up')
  for (const workload of workloads) {
    for (const { spec, server, target, settle } of entrants) {
      // Some 20,000 requests before V8 has made the best of it: a create with audit entry and event took 699 µs of Node after 4 s, 533,
      // 389 and 421 after 2 s more each, 300 after 15. The first rounds would measure the compiler, and more of it where there is more code.
      if (!spec.workloads.includes(workload.name)) continue
      // Each server for as long in all, however few its workloads: one that is asked less would still be half interpreted.
      const warmUpSeconds = options.firstWarmUpSeconds / spec.workloads.length
      await warmUp(options.load, server, workload, target, { ...options, warmUpSeconds })
      if (workload.writes) await settle()
    }
  }
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const workload of workloads) {
      const entered = entrants.filter(({ spec }) => spec.workloads.includes(workload.name))
      options.say(`round ${round} of ${options.rounds} · ${workload.title}`)
      for (let at = 0; at < entered.length; at += 1) {
        const { spec, server, target, settle } = entered[(at + round - 1) % entered.length]!
        const sample = await quietest(async () => {
          if (workload.writes) await settle()
          return measure(options.load, server, workload, target, options)
        }, repeats)
        samples.add(workload.name, spec.name, sample)
        options.say(`  ${spec.name.padEnd(18)} ${inWords(sample)}`)
      }
    }
  }
  return samples
}

/** Runs once, and again as long as others disturb it and repeats are left; the least disturbed run counts. */
async function quietest(run: () => Promise<Sample>, repeats: { left: number }): Promise<Sample> {
  let best = await run()
  for (let again = 0; again < 2 && best.foreign > DISTURBED && repeats.left > 0; again += 1) {
    repeats.left -= 1
    const next = await run()
    if (next.foreign < best.foreign) best = next
  }
  return best
}

function inWords({ perSecond, nodeUs, postgresUs, foreign }: Sample): string {
  const figure = (value: number, width: number): string => value.toFixed(0).padStart(width)
  const others = foreign > DISTURBED ? `  (others took ${figure(foreign * 100, 2)} % of the machine)` : ''
  return `${figure(perSecond, 6)}/s  node ${figure(nodeUs, 4)} µs  PostgreSQL ${figure(postgresUs, 4)} µs${others}`
}
