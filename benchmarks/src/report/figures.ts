import type { Sample } from '../measure/measure.ts'
import type { ServerSpec } from '../servers/catalog.ts'
import type { Workload, WorkloadName } from '../workloads.ts'
import { spread, type Spread } from './statistics.ts'

/** One server under one workload over all rounds. */
export interface Row {
  readonly server: ServerSpec
  readonly perSecond: Spread
  readonly nodeUs: Spread
  readonly postgresUs: Spread
  /** Node and PostgreSQL together: what goals are set for. */
  readonly cpuUs: Spread
  /** CPU in units of the floor's, both of the same round. */
  readonly toFloor: Spread | undefined
  readonly toSecuredFloor: Spread | undefined
  readonly p50Ms: Spread
  readonly p99Ms: Spread
  readonly rssMb: number
  readonly requests: number
  readonly foreign: Spread
}

export interface WorkloadFigures {
  readonly workload: Workload
  readonly rows: readonly Row[]
}

/** Samples by workload, server and round. */
export class Samples {
  readonly #samples = new Map<string, Sample[]>()

  add(workload: WorkloadName, server: string, sample: Sample): void {
    const key = `${workload} ${server}`
    this.#samples.set(key, [...(this.#samples.get(key) ?? []), sample])
  }

  of(workload: WorkloadName, server: string): readonly Sample[] {
    return this.#samples.get(`${workload} ${server}`) ?? []
  }
}

export const cpuOf = (sample: Sample): number => sample.nodeUs + sample.postgresUs

export function figuresOf(
  samples: Samples,
  workloads: readonly Workload[],
  servers: readonly ServerSpec[],
): readonly WorkloadFigures[] {
  return workloads.map((workload) => ({
    workload,
    rows: servers.flatMap((server) => {
      const own = samples.of(workload.name, server.name)
      if (own.length === 0) return []
      const of = (read: (sample: Sample) => number): Spread => spread(own.map(read))
      const to = (floor: string): Spread | undefined => {
        const floors = samples.of(workload.name, floor)
        // A server is compared with the floor of the same round: the machine is not the same machine a minute later.
        return floors.length === own.length
          ? spread(own.map((sample, round) => cpuOf(sample) / cpuOf(floors[round]!)))
          : undefined
      }
      return [
        {
          server,
          perSecond: of((sample) => sample.perSecond),
          nodeUs: of((sample) => sample.nodeUs),
          postgresUs: of((sample) => sample.postgresUs),
          cpuUs: of(cpuOf),
          toFloor: to('floor'),
          toSecuredFloor: to('floor-rls'),
          p50Ms: of((sample) => sample.p50Ms),
          p99Ms: of((sample) => sample.p99Ms),
          rssMb: own.at(-1)!.rssMb,
          foreign: of((sample) => sample.foreign),
          requests: own.reduce((sum, sample) => sum + sample.requests, 0),
        },
      ]
    }),
  }))
}
