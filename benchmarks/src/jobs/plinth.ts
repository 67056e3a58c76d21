import { countCpu, type Cpu } from './cpu.ts'
import { askFor, openJobs } from './platform.ts'

export interface JobsRound {
  /** Jobs asked for, and jobs done, a second. */
  readonly asked: number
  readonly done: number
  /** CPU µs for each job that is done. */
  readonly cpu: Cpu
}

export async function plinthRound(url: string, count: number, together?: number): Promise<JobsRound> {
  let left = count
  const { promise: done, resolve } = Promise.withResolvers<void>()
  const platform = await openJobs(
    url,
    () => {
      if (--left === 0) resolve()
    },
    { together },
  )
  const { plinth } = platform
  const begun = performance.now()
  await askFor(platform, count)
  const asked = performance.now()
  const counted = await countCpu(url)
  const from = performance.now()
  const stop = new AbortController()
  const working = plinth.work(stop.signal)
  await done
  // The last ones have begun and not ended: a thousandth of the run.
  const ended = performance.now()
  const { node, postgres } = counted()
  stop.abort()
  await working
  await plinth.close()
  return {
    asked: (count / (asked - begun)) * 1_000,
    done: (count / (ended - from)) * 1_000,
    cpu: { node: node / count, postgres: postgres / count },
  }
}
