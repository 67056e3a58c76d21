import connect from 'postgres'
import type { DatabaseUrls, Prepared } from '../database/prepare.ts'
import type { LoadCommand, LoadReport } from '../load/messages.ts'
import { Child } from '../measure/child-process.ts'
import { measure, warmUp, type Sample } from '../measure/measure.ts'
import { startServer, type RunningServer } from '../measure/running-server.ts'
import type { ServerSpec } from '../servers/catalog.ts'
import { createsOfMany, workloads, type Target, type Workload } from '../workloads.ts'

/** What is compared: the same create by hand, and by Plinth with less and more beside it. */
const contestants = [
  { name: 'floor', title: 'by hand, nothing recorded', workload: 'w3', variant: 'plain', login: 'exempt' },
  {
    name: 'floor-both',
    title: 'by hand, an audit row and an event',
    workload: 'w3-both',
    variant: 'plain',
    login: 'exempt',
  },
  {
    name: 'floor-rls',
    title: 'the same under row-level security',
    workload: 'w3-both',
    variant: 'secured',
    login: 'secured',
  },
  {
    name: 'plain',
    title: 'Plinth, nothing recorded, 32 at once by one caller',
    workload: 'w3',
    variant: 'plain',
    login: 'app',
  },
  {
    name: 'unsealed',
    title: '**Plinth, an entry of the log and an event**, 32 at once by one caller',
    workload: 'w3',
    variant: 'unsealed',
    login: 'app',
  },
  {
    name: 'callers',
    title: 'the same, each by another caller',
    workload: 'w3-callers',
    variant: 'unsealed',
    login: 'app',
  },
  {
    name: 'audited',
    title: 'of one caller, until the entry is in the book',
    workload: 'w3',
    variant: 'audited',
    login: 'app',
  },
] as const

export type ContestantName = (typeof contestants)[number]['name']

export interface CreateCosts {
  readonly titles: ReadonlyMap<ContestantName, string>
  /** By contestant, one of each round. */
  readonly samples: ReadonlyMap<ContestantName, readonly Sample[]>
}

export interface CostOptions {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  /** Of each server before the first round. */
  readonly warmUpSeconds: number
  /** Folder for CPU profiles of the servers. */
  readonly profile: string | undefined
  readonly only: readonly string[]
  readonly say: (words: string) => void
}

interface Entrant {
  readonly name: ContestantName
  readonly title: string
  readonly workload: Workload
  readonly server: RunningServer
  readonly target: Target
  readonly urls: DatabaseUrls
}

/** Rounds × contestants in turns, each with a copy of the database. */
export async function measureCreates(parts: Prepared, options: CostOptions): Promise<CreateCosts> {
  const { rounds, seconds, connections, warmUpSeconds, only, say } = options
  const load = new Child<LoadCommand, LoadReport>('load generator', 'load/generator.ts')
  const entrants: Entrant[] = []
  const samples = new Map<ContestantName, Sample[]>()
  try {
    for (const contestant of contestants)
      if (only.length === 0 || only.includes(contestant.name)) entrants.push(await enter(parts, contestant, options))
    const measured = { seconds, connections, postmaster: parts.postmaster }
    for (const { server, workload, target } of entrants)
      await warmUp(load, server, workload, target, { ...measured, warmUpSeconds })
    for (let round = 0; round < rounds; round += 1)
      for (const { name, title, server, workload, target, urls } of entrants) {
        await parts.tidy(urls)
        const sample = await measure(load, server, workload, target, { ...measured, warmUpSeconds: 0.5 })
        samples.set(name, [...(samples.get(name) ?? []), sample])
        say(
          `  ${title.padEnd(44)} node ${sample.nodeUs.toFixed(0)} µs, PostgreSQL ${sample.postgresUs.toFixed(0)} µs, others took ${(sample.foreign * 100).toFixed(0)} %`,
        )
      }
    return { titles: new Map(contestants.map(({ name, title }) => [name, title])), samples }
  } finally {
    await load.stop()
    for (const { server } of entrants) await server.stop()
  }
}

async function enter(
  parts: Prepared,
  { name, title, workload, variant, login }: (typeof contestants)[number],
  { profile }: CostOptions,
): Promise<Entrant> {
  const urls = await parts.copy(`audit_${name.replaceAll('-', '_')}`)
  await parts.tidy(urls)
  const recordedPath = '/api/v1/recorded-projects'
  const spec: ServerSpec = {
    name,
    title,
    file: login === 'app' ? 'servers/plinth.ts' : 'servers/floor.ts',
    variant,
    login,
    env: { NODE_ENV: 'production', LOG_LEVEL: 'warn' },
    workloads: [],
    recordedPath,
  }
  const server = await startServer({
    spec,
    databaseUrl: urls[login],
    tenants: parts.tenants,
    logFile: '/dev/null',
    profile,
  })
  const drained = (): Promise<void> => (name === 'audited' ? inboxEmpty(urls) : Promise.resolve())
  return {
    name,
    title,
    server,
    urls,
    workload: [...workloads, createsOfMany].find((one) => one.name === workload)!,
    target: { port: server.port, tenants: parts.tenants, ids: parts.ids, recordedPath, drained },
  }
}

/** Resolves when everything that was written is in the book. */
async function inboxEmpty(urls: DatabaseUrls): Promise<void> {
  const sql = connect(urls.owner, { max: 1, onnotice: () => undefined })
  try {
    for (;;) {
      const [row] = await sql<
        { n: number }[]
      >`select count(*)::int as n from (select from plinth.audit_inbox limit 1) i`
      if (row?.n === 0) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  } finally {
    await sql.end()
  }
}
