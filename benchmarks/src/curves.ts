// `npm run bench:curves`: what a request costs as tenants and resources grow in number; with --isolation, in schemas of their own.
import postgres from 'postgres'
import { launchServer } from '@plinth/testing'
import { curves, isolationCurve, specOf, type Curve, type Point } from './curves/curve.ts'
import { curveWorkloads } from './curves/curve-workloads.ts'
import { fillCurve } from './curves/fill.ts'
import { renderCurve, WORKLOADS, type CurveSamples } from './curves/render-curve.ts'
import type { LoadCommand, LoadReport } from './load/messages.ts'
import { describeMachine, machineInWords } from './machine.ts'
import { Child } from './measure/child-process.ts'
import { measure, warmUp, type Sample } from './measure/measure.ts'
import { parentOf } from './measure/postgres-cpu.ts'
import { startServer, type RunningServer } from './measure/running-server.ts'
import { writeDocs } from './report/write-docs.ts'
import type { Target, Workload } from './workloads.ts'

const rounds = process.argv.includes('--quick') ? 1 : 2
const seconds = process.argv.includes('--quick') ? 0.5 : 2
const isolation = process.argv.includes('--isolation')
const say = (words: string): void => console.log(words)

const settings = [
  'synchronous_commit=on',
  'shared_buffers=1GB',
  'autovacuum=off',
  'checkpoint_timeout=1h',
  'max_wal_size=8GB',
]
const server = await launchServer({ own: true, fsync: true, fullPageWrites: true, settings })
const admin = postgres(server.url, { max: 1, onnotice: () => undefined })
const load = new Child<LoadCommand, LoadReport>('load generator', 'load/generator.ts')
try {
  const [row] = await admin<
    { pid: number; version: string }[]
  >`select pg_backend_pid() pid, current_setting('server_version') version`
  const postmaster = parentOf(row!.pid)
  const parts = []
  for (const curve of isolation ? [isolationCurve] : curves)
    parts.push(renderCurve(curve, await measureCurve(curve, postmaster)))
  const machine = machineInWords(describeMachine(row!.version))
  const report = `Measured on ${machine}. ${rounds} interleaved rounds of ${seconds} s, 32 connections in a closed loop; CPU µs of the server's process and of PostgreSQL per request, medians, range in brackets.\n\n${parts.join('\n\n')}`
  say(`\n${report}`)
  if (process.argv.includes('--write')) writeDocs(isolation ? 'isolation' : 'curves', report)
} finally {
  await load.stop()
  await admin.end({ timeout: 2 })
  await server.stop()
}

interface Running {
  readonly point: Point
  readonly server: RunningServer
  readonly workloads: readonly Workload[]
  readonly ownerUrl: string
}

function targetOf(one: Running): Target {
  return { port: one.server.port, tenants: [], ids: new Map(), recordedPath: '', drained: () => Promise.resolve() }
}

async function tidy(ownerUrl: string): Promise<void> {
  const sql = postgres(ownerUrl, { max: 1, onnotice: () => undefined })
  await sql`vacuum (analyze)`
  await sql`checkpoint`
  await sql.end()
}

async function measureCurve(curve: Curve, postmaster: number): Promise<CurveSamples> {
  const samples: CurveSamples = new Map()
  const running: Running[] = []
  const options = { warmUpSeconds: 0.5, seconds, connections: 32, postmaster }
  try {
    for (const point of curve.points) running.push(await start(curve, point))
    for (const one of running) {
      const warm = { ...options, warmUpSeconds: 2 }
      for (const workload of one.workloads) await warmUp(load, one.server, workload, targetOf(one), warm)
    }
    // What autovacuum would do at a time of its own: a table that grew tenfold since it was analysed is read from end to end. Not
    // between the runs: with new statistics every plan that a connection keeps is made anew.
    for (const one of running) await tidy(one.ownerUrl)
    for (const one of running) {
      // Each of ten connections plans each statement anew six times before it keeps a plan.
      const warm = { ...options, warmUpSeconds: Math.max(1, one.point.resources / 10) }
      for (const workload of one.workloads) await warmUp(load, one.server, workload, targetOf(one), warm)
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const [at, title] of WORKLOADS.entries()) {
        for (const one of running) {
          const sample = await measure(load, one.server, one.workloads[at]!, targetOf(one), options)
          add(samples, one.point, at, sample)
          const words = `node ${sample.nodeUs.toFixed(0)} µs, PostgreSQL ${sample.postgresUs.toFixed(0)} µs`
          say(`  ${one.server.spec.title.padEnd(32)} ${title.padEnd(12)} ${words}`)
        }
      }
    }
    return samples
  } finally {
    for (const one of running) await one.server.stop()
  }
}

function add(samples: CurveSamples, point: Point, at: number, sample: Sample): void {
  const own = samples.get(point) ?? WORKLOADS.map(() => [])
  own[at]!.push(sample)
  samples.set(point, own)
}

async function start(curve: Curve, point: Point): Promise<Running> {
  const name = `curve_${curve.name}_${point.tenants}_${point.resources}_${point.isolation ?? 'shared'}`
  say(`filling ${specOf(point).title}`)
  await admin`create database ${admin(name)}`
  const as = (user: string): string => {
    const url = new URL(server.url)
    url.pathname = `/${name}`
    url.username = user
    return url.href
  }
  const asked = await fillCurve(point, { app: as('plinth_app'), owner: as('postgres') })
  const started = await startServer({
    spec: specOf(point),
    databaseUrl: as('plinth_app'),
    tenants: [],
    logFile: '/dev/null',
    profile: undefined,
  })
  return { point, server: started, workloads: curveWorkloads(asked), ownerUrl: as('postgres') }
}
