// `npm run bench:identity`: what it costs to know who asks, beside Better Auth; and whether the time of an answer tells who has an account.
import type { Feature, Platform } from '@plinth/core'
import { identityPlatform } from './identity/identity-platform.ts'
import { prepareIdentity, type PreparedIdentity } from './identity/prepare-identity.ts'
import { costTable, timingTable, type IdentitySample } from './identity/render-identity.ts'
import { timePairs, timingQuestions, type TimingFigures } from './identity/timing.ts'
import { identityWorkloads, type IdentityWorkload } from './identity/workloads.ts'
import type { LoadCommand, LoadReport } from './load/messages.ts'
import { describeMachine, machineInWords } from './machine.ts'
import { Child } from './measure/child-process.ts'
import { measure, warmUp } from './measure/measure.ts'
import { startServer, type RunningServer } from './measure/running-server.ts'
import { writeDocs } from './report/write-docs.ts'
import type { Target } from './workloads.ts'

const quick = process.argv.includes('--quick')
const write = process.argv.includes('--write')
if (quick && write) {
  console.error('npm run bench:identity: --quick is too short for figures that are kept')
  process.exit(2)
}
const rounds = quick ? 1 : 3
const seconds = quick ? 0.5 : 2.5
const pairs = quick ? 60 : 2_000
const CONNECTIONS = 32
const say = (words: string): void => console.log(words)

const prepared = await prepareIdentity(say)
try {
  const cost = await measureCost(prepared)
  const timing = await measureTiming(prepared)
  const machine = machineInWords(describeMachine(prepared.version))
  const report = [
    `Measured on ${machine}. ${rounds} interleaved rounds of ${seconds} s, ${CONNECTIONS} connections in a closed loop; CPU µs of the server's process and of PostgreSQL per request, medians (range). 40 people read, 20 write; limits count every request. "Written" is write-ahead log per request.`,
    costTable(cost),
    'Pairs of requests in process through the whole HTTP stack, argon2id with its default cost. AUC: how often the best guess by the time of one answer is right; 0.5 is a coin.',
    timingTable(timing),
  ].join('\n\n')
  say(`\n${report}`)
  if (write) writeDocs('identity', report)
} finally {
  await prepared.stop()
}

async function measureCost(parts: PreparedIdentity): Promise<ReadonlyMap<IdentityWorkload, readonly IdentitySample[]>> {
  const load = new Child<LoadCommand, LoadReport>('load generator', 'load/generator.ts')
  const { key, secretKeys, peer, cookies } = parts
  const [plain, cached] = ['Better Auth getSession', 'Better Auth getSession, cookie cache']
  const servers = new Map<string, RunningServer>()
  try {
    servers.set('plinth', await start('plinth', 'identity/plinth-server.ts', parts.app, { key, secretKeys }))
    for (const [name, cookieCache] of [
      [plain!, false],
      [cached!, true],
    ] as const)
      servers.set(
        name,
        await start(name, 'identity/better-auth-server.ts', peer.url, { secret: peer.secret, cookieCache }),
      )
    const all = identityWorkloads(parts.people, parts.ids, { [plain!]: cookies.plain, [cached!]: cookies.cached })
    const options = { warmUpSeconds: 0.5, seconds, connections: CONNECTIONS, postmaster: parts.postmaster }
    const targetOf = (server: RunningServer): Target => ({
      port: server.port,
      tenants: [],
      ids: parts.ids,
      recordedPath: '',
      drained: () => Promise.resolve(),
    })
    const samples = new Map<IdentityWorkload, IdentitySample[]>(all.map((workload) => [workload, []]))
    for (const workload of all) {
      const server = servers.get(workload.server)!
      await warmUp(load, server, workload, targetOf(server), { ...options, warmUpSeconds: quick ? 0.5 : 3 })
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const workload of all) {
        const server = servers.get(workload.server)!
        if (workload.writes) await parts.sql`checkpoint`
        const before = await writtenAhead(parts)
        const sample = await measure(load, server, workload, targetOf(server), options)
        // The warm-up before each run writes as well: as many bytes a request, so the share of the run is told.
        const share = seconds / (seconds + options.warmUpSeconds)
        const walBytes = (((await writtenAhead(parts)) - before) * share) / sample.requests
        samples.get(workload)!.push({ ...sample, walBytes })
        say(
          `  ${workload.title.padEnd(40)} node ${sample.nodeUs.toFixed(0)} µs, PostgreSQL ${sample.postgresUs.toFixed(0)} µs, others took ${(sample.foreign * 100).toFixed(0)} %`,
        )
      }
    }
    return samples
  } finally {
    await load.stop()
    for (const server of servers.values()) await server.stop()
  }
}

function start(name: string, file: string, databaseUrl: string, facts: object): Promise<RunningServer> {
  const env = { NODE_ENV: 'production', LOG_LEVEL: 'warn' }
  const spec = {
    name,
    title: name,
    file,
    variant: JSON.stringify(facts),
    login: 'app',
    env,
    workloads: [],
    recordedPath: '',
  } as const
  return startServer({ spec, databaseUrl, tenants: [], logFile: '/dev/null', profile: undefined })
}

async function writtenAhead({ sql }: PreparedIdentity): Promise<number> {
  const [row] = await sql<{ bytes: string }[]>`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') bytes`
  return Number(row!.bytes)
}

async function measureTiming(parts: PreparedIdentity): Promise<readonly TimingFigures[]> {
  let platform: Platform | undefined
  const watching: Feature = { name: 'watching', start: (started) => void (platform = started) }
  const { app, key, secretKeys, people, sql } = parts
  const plinth = identityPlatform({ databaseUrl: app, key, secretKeys, byMail: true, features: [watching] })
  const figures: TimingFigures[] = []
  try {
    for (const question of timingQuestions) {
      let asked = 0
      const settled = async (): Promise<void> => {
        await platform?.after.settled()
        // Nobody is asked often enough to be held back: everybody's buckets are as new.
        if ((asked += 1) % 40 === 0) await sql`delete from plinth.rate_buckets`
      }
      const known = (pair: number): string => people[(pair + people.length) % people.length]!.email
      figures.push(await timePairs(plinth, question, known, pairs, settled))
      say(`  ${question.title.padEnd(40)} AUC ${figures.at(-1)!.area.toFixed(3)}`)
    }
    return figures
  } finally {
    await plinth.close()
  }
}
