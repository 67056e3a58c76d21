import type { LoadCommand, LoadReport, LoadResult } from '../load/messages.ts'
import type { Target, Workload } from '../workloads.ts'
import type { Child } from './child-process.ts'
import { foreignShare, machineCpu } from './machine-load.ts'
import { postgresCpu } from './postgres-cpu.ts'
import type { RunningServer } from './running-server.ts'

export type LoadGenerator = Child<LoadCommand, LoadReport>

/** One workload on one server in one round. */
export interface Sample {
  readonly perSecond: number
  /** CPU of the server's process per request, all its threads. */
  readonly nodeUs: number
  /** CPU of all processes of PostgreSQL per request. */
  readonly postgresUs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly rssMb: number
  readonly requests: number
  /** What others took of the machine meanwhile, 0 to 1. */
  readonly foreign: number
}

export interface MeasureOptions {
  readonly warmUpSeconds: number
  readonly seconds: number
  readonly connections: number
  readonly postmaster: number
}

/**
 * Warms up, then measures. CPU is read while nothing is on its way: before the first request and after the last answer, so
 * each request is counted with all of its work.
 * @throws where an answer was not 2xx or a connection broke: figures of a server that fails are worth nothing
 */
export async function measure(
  load: LoadGenerator,
  server: RunningServer,
  workload: Workload,
  target: Target,
  options: MeasureOptions,
): Promise<Sample> {
  const { postmaster } = options
  await warmUp(load, server, workload, target, options)
  return connected(load, workload, target, options, async () => {
    const before = { node: await server.usage(), postgres: postgresCpu(postmaster), machine: machineCpu() }
    const startedAt = performance.now()
    const result = await run(load, options.seconds)
    // What is done after the answer is work of the request too, and must not fall into the next server's figures.
    await target.drained()
    const seconds = (performance.now() - startedAt) / 1_000
    const after = { node: await server.usage(), postgres: postgresCpu(postmaster), machine: machineCpu() }
    refuseFailures(result, server, workload)
    const nodeUs = after.node.cpuUs - before.node.cpuUs
    const postgresUs = after.postgres - before.postgres
    return {
      perSecond: result.requests / result.seconds,
      nodeUs: nodeUs / result.requests,
      postgresUs: postgresUs / result.requests,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      rssMb: after.node.rssMb,
      requests: result.requests,
      foreign: foreignShare(before.machine, after.machine, nodeUs + postgresUs + result.cpuUs, seconds),
    }
  })
}

/** Load without measuring. */
export async function warmUp(
  load: LoadGenerator,
  server: RunningServer,
  workload: Workload,
  target: Target,
  options: MeasureOptions,
): Promise<void> {
  await connected(load, workload, target, options, async () => {
    refuseFailures(await run(load, options.warmUpSeconds), server, workload)
  })
  await target.drained()
}

/** Connections of its own each time: a server closes those that were idle while we waited for something else. */
async function connected<T>(
  load: LoadGenerator,
  workload: Workload,
  target: Target,
  { connections }: MeasureOptions,
  work: () => Promise<T>,
): Promise<T> {
  const plan = await workload.plan(target)
  await load.ask({ kind: 'open', port: target.port, connections, plan })
  try {
    return await work()
  } finally {
    await load.ask({ kind: 'close' })
  }
}

async function run(load: LoadGenerator, seconds: number): Promise<LoadResult> {
  const report = await load.ask({ kind: 'run', seconds })
  if (report.kind !== 'result') throw new Error(`the load generator answered ${report.kind}`)
  return report.result
}

function refuseFailures({ requests, statuses, broken }: LoadResult, server: RunningServer, workload: Workload): void {
  const failed = Object.entries(statuses).filter(([status]) => !status.startsWith('2'))
  if (failed.length === 0 && broken === 0 && requests > 0) return
  const words = failed.map(([status, count]) => `${count} × ${status}`).join(', ')
  throw new Error(
    `${server.spec.name}, ${workload.name}: ${words || 'no failed answers'}, ${broken} broken connections, ${requests} requests`,
  )
}
