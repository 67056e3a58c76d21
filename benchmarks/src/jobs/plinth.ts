import { countCpu, type Cpu } from './cpu.ts'
import { postgresJsDriver } from '@plinth/postgres/driver'
import { askFor, AT_ONCE, openJobs } from './platform.ts'

export interface JobsRound {
  /** Jobs asked for, and jobs done, a second. */
  readonly asked: number
  readonly done: number
  /** CPU µs for each job that is done. */
  readonly cpu: Cpu
}

/** Jobs that are done and asked for before it counts: of a worker that has just begun, V8's compiler is measured. */
export const warmUp = (count: number): number => count

export interface Round {
  readonly together?: number
  /** As if another process were there to take jobs: they go by the queue. */
  readonly company?: boolean
}

export async function plinthRound(
  url: string,
  count: number,
  { together, company = false }: Round = {},
): Promise<JobsRound> {
  const warm = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  let begun = 0
  const platform = await openJobs(
    url,
    () => {
      begun += 1
      if (begun === warmUp(count)) warm.resolve()
      if (begun === warmUp(count) + count) done.resolve()
    },
    { together },
  )
  const { plinth } = platform
  if (company) await believeInAnother(url)
  await askFor(platform, warmUp(count))
  const asking = performance.now()
  await askFor(platform, count)
  const asked = performance.now()
  const stop = new AbortController()
  const working = plinth.work(stop.signal)
  await warm.promise
  const counted = await countCpu(url)
  const from = performance.now()
  await done.promise
  // The last ones have begun and not ended: a thousandth of the run.
  const ended = performance.now()
  const { node, postgres } = counted()
  stop.abort()
  await working
  await plinth.close()
  return {
    asked: (count / (asked - asking)) * 1_000,
    done: (count / (ended - from)) * 1_000,
    cpu: { node: node / count, postgres: postgres / count },
  }
}

async function believeInAnother(url: string): Promise<void> {
  const owner = postgresJsDriver(url, {
    max: 1,
    applicationName: 'bench',
    prepare: false,
    statementTimeoutMs: 60_000,
    connectTimeoutSeconds: 10,
  })
  await owner.query(`insert into plinth.job_workers (worker, seen_at) values ('another', 'infinity')`)
  await owner.close()
}

/** Jobs that are asked for a second, each in a transaction of its own, so many at once. */
export async function plinthAsked(url: string, count: number): Promise<number> {
  const platform = await openJobs(url, () => undefined)
  const { plinth, effect, robots } = platform
  const rate = await atOnce(count, (number) => plinth.as(robots.acme, 'acme', (ctx) => ctx.enqueue(effect, { number })))
  await plinth.close()
  return rate
}

/** How many of these are done a second, {@link AT_ONCE} at a time; the first tenth is not counted. */
export async function atOnce(count: number, one: (number: number) => Promise<unknown>): Promise<number> {
  let next = 0
  const until = async (end: number): Promise<void> => {
    while (next < end) await one(next++)
  }
  const run = (end: number): Promise<unknown> => Promise.all(Array.from({ length: AT_ONCE }, () => until(end)))
  await run(count / 10)
  const from = performance.now()
  await run(count)
  return (count * 0.9 * 1_000) / (performance.now() - from)
}
