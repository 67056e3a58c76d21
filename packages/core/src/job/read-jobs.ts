import type { StartupFault } from '../errors/startup-error.ts'
import { readDuration } from '../duration/read-duration.ts'
import type { Feature } from '../feature/feature.ts'
import type { Job } from './define-job.ts'

/** Jobs of the product and of its features, by name. */
export function readJobs(
  own: readonly Job[],
  features: readonly Feature[],
  faults: StartupFault[],
): ReadonlyMap<string, Job> {
  const jobs = new Map<string, Job>()
  for (const job of [...own, ...features.flatMap((feature) => feature.jobs ?? [])]) {
    const path = `job ${job.name}`
    if (jobs.has(job.name)) faults.push({ path, problem: 'another job has this name', fix: 'choose another name' })
    jobs.set(job.name, job)
    faults.push(...faultsOf(job, path))
  }
  const runs = features.some((feature) => feature.slots?.jobs)
  const [first] = jobs.keys()
  if (first !== undefined && !runs)
    faults.push({
      path: `job ${first}`,
      problem: 'nothing runs jobs: no feature keeps a queue',
      fix: 'features: [jobs(), …], with jobs of @plinth/jobs',
    })
  return new Map([...jobs].sort(([left], [right]) => (left < right ? -1 : 1)))
}

/** Whose locks are held until the last of them is done. */
const MOST_TOGETHER = 100

const isCount = (value: number | undefined): boolean => value === undefined || (Number.isInteger(value) && value >= 1)

function faultsOf(job: Job, path: string): StartupFault[] {
  const faults: StartupFault[] = []
  const fault = (key: string, problem: string, fix: string): void => {
    faults.push({ path: `${path}.${key}`, problem, fix })
  }
  if (!/^[a-z][a-zA-Z0-9]*(?:\.[a-z][a-zA-Z0-9]*)*$/.test(job.name) || job.name.length > 100)
    fault(
      'name',
      `'${job.name}' is no name of a job`,
      'words with dots between, each begun in lower case: report.build',
    )
  // Code without types forgets it, and would learn of it when the job is asked for.
  const takes = typeof (job.input as { safeParse?: unknown } | undefined)?.safeParse === 'function'
  if (!takes) fault('input', 'is no schema', 'input: z.object({}), for a job that takes nothing')
  for (const [key, text] of [
    ['retry.first', job.retry.first],
    ['retry.most', job.retry.most],
    ['timeout', job.timeout],
  ] as const)
    if (text !== undefined && readDuration(text) === undefined)
      fault(key, `'${text}' is no length of time`, "a whole number and s, m, h or d: '30s'")
  for (const [key, count] of [
    ['retry.attempts', job.retry.attempts],
    ['concurrency', job.concurrency],
    ['perTenant', job.perTenant],
    ['together', job.together],
  ] as const)
    if (!isCount(count)) fault(key, `${count} is no count`, 'a whole number from 1')
  if (job.together !== undefined && job.together > MOST_TOGETHER)
    fault('together', `${job.together} share one transaction`, `a whole number up to ${MOST_TOGETHER}`)
  if (job.together !== undefined && job.outside !== undefined)
    fault('together', 'is for jobs that only write', 'leave out together, or have outside ask for a job that does')
  if (job.timeZone !== undefined && job.cron === undefined)
    fault('timeZone', 'means nothing without cron', "cron: '0 3 * * *'")
  if (takes && job.cron !== undefined) faults.push(...faultsByTheClock(job, path))
  return faults
}

/** What runs by the clock has nobody who could give it anything, nor be told that its key cannot be made. */
function faultsByTheClock(job: Job, path: string): readonly StartupFault[] {
  const words = (error: unknown): string => (error instanceof Error ? error.message : String(error))
  let input: unknown
  try {
    const parsed = job.input.safeParse({})
    if (!parsed.success) {
      const problem = 'does not take {}, which is what a job by the clock is given'
      return [{ path: `${path}.input`, problem, fix: 'give its fields defaults' }]
    }
    input = parsed.data
  } catch (error) {
    return [{ path: `${path}.input`, problem: `cannot be asked (${words(error)})`, fix: 'a schema that is not async' }]
  }
  const keyOf = job.key as ((input: unknown) => unknown) | undefined
  const fix = 'a text, or undefined, of what its schema makes of {}'
  try {
    const key = keyOf?.(input)
    if (key === undefined || typeof key === 'string') return []
    return [{ path: `${path}.key`, problem: `is no text for {}, which is what a job by the clock is given`, fix }]
  } catch (error) {
    const problem = `cannot be made of {}, which is what a job by the clock is given (${words(error)})`
    return [{ path: `${path}.key`, problem, fix }]
  }
}
