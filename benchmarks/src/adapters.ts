// `npm run bench:adapters`: what an adapter costs on top of its framework. No database: a public route that answers 20 bytes.
import { idlePlatform, LIVE } from './adapters/idle-platform.ts'
import type { LoadCommand, LoadReport } from './load/messages.ts'
import { describeMachine, machineInWords } from './machine.ts'
import { Child } from './measure/child-process.ts'
import { startServer, type RunningServer } from './measure/running-server.ts'
import { markdownTable } from './report/table.ts'
import { spread } from './report/statistics.ts'
import { writeDocs } from './report/write-docs.ts'

const quick = process.argv.includes('--quick')
const rounds = quick ? 3 : 7
const seconds = quick ? 0.7 : 2
const frameworks = ['hono', 'express', 'fastify'] as const
const kinds = ['bare', 'plinth'] as const
const GOAL = 15

const load = new Child<LoadCommand, LoadReport>('load generator', 'load/generator.ts')
const samples = new Map<string, number[]>()
const servers: RunningServer[] = []
try {
  for (const variant of frameworks.flatMap((framework) => kinds.map((kind) => `${framework} ${kind}`))) {
    servers.push(await start(variant))
  }
  for (const server of servers) await run(server, quick ? 1 : 3)
  for (let round = 0; round < rounds; round += 1) {
    // Bare and adapter of one framework directly behind each other: their difference is what counts.
    for (const server of servers) {
      const { name } = server.spec
      samples.set(name, [...(samples.get(name) ?? []), await run(server, seconds)])
    }
  }
  const pipeline = await pipelineAlone()
  const rows = frameworks.map((framework) => rowOf(framework, pipeline))
  const head = ['framework', 'bare, CPU µs', 'through Plinth, CPU µs', 'more (min–max)', `goal ≤ ${GOAL}`]
  const machine = machineInWords(describeMachine('not used'))
  const report = `Measured on ${machine}. ${rounds} interleaved rounds of ${seconds} s, 32 connections in a closed loop; CPU µs of the server's process per request, medians. "More" is the difference within a round: conversion and pipeline. The pipeline alone (no server, \`plinth.fetch\` of a \`Request\`) is ${pipeline.toFixed(1)} µs.\n\n${markdownTable(head, rows)}`
  console.log(`\n${report}`)
  if (process.argv.includes('--write')) writeDocs('adapters', report)
} finally {
  await load.stop()
  for (const server of servers) await server.stop()
}

function start(variant: string): Promise<RunningServer> {
  const env = { NODE_ENV: 'production', LOG_LEVEL: 'warn' }
  const spec = { name: variant, title: variant, file: 'adapters/server.ts', variant, login: 'app', env } as const
  const full = { ...spec, workloads: [], recordedPath: '' }
  return startServer({ spec: full, databaseUrl: '', tenants: [], logFile: '/dev/null', profile: undefined })
}

/** CPU µs per request. */
async function run(server: RunningServer, duration: number): Promise<number> {
  const plan = { kind: 'fixed', requests: [{ method: 'GET', path: LIVE, token: 'nobody' }] } as const
  await load.ask({ kind: 'open', port: server.port, connections: 32, plan })
  const before = await server.usage()
  const answer = await load.ask({ kind: 'run', seconds: duration })
  const after = await server.usage()
  await load.ask({ kind: 'close' })
  if (answer.kind !== 'result') throw new Error('the load generator gave no result')
  const { requests, statuses, broken } = answer.result
  if (broken > 0 || statuses['200'] !== requests) throw new Error(`${server.spec.name}: ${JSON.stringify(statuses)}`)
  return (after.cpuUs - before.cpuUs) / requests
}

function rowOf(framework: string, pipeline: number): string[] {
  const [bare = [], plinth = []] = kinds.map((kind) => samples.get(`${framework} ${kind}`))
  const more = plinth.map((value, round) => value - bare[round]!)
  const { median: typical, least, most } = spread(more)
  const range = `${typical.toFixed(1)} (${least.toFixed(1)}–${most.toFixed(1)})`
  const verdict = typical <= GOAL ? 'reached' : typical - pipeline <= GOAL ? 'reached by the conversion' : '**missed**'
  return [framework, spread(bare).median.toFixed(1), spread(plinth).median.toFixed(1), range, verdict]
}

async function pipelineAlone(): Promise<number> {
  const plinth = idlePlatform()
  const request = new Request(`http://127.0.0.1${LIVE}`, { headers: { authorization: 'Bearer nobody' } })
  const call = async (times: number): Promise<number> => {
    const before = process.cpuUsage()
    for (let index = 0; index < times; index += 1) await plinth.fetch(request)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / times
  }
  await call(20_000)
  return call(50_000)
}
