// `npm run bench:access`: what it costs to know who may, beside CASL and Casbin in one run.
import { decisionTable, measureDecisions } from './access/decisions.ts'
import { prepareAccess, type PreparedAccess } from './access/prepare-access.ts'
import { accessTable } from './access/render-access.ts'
import { accessWorkloads, type AccessWorkload } from './access/workloads.ts'
import { LISTED, PERMISSIONS_EACH, ROLES } from './access/rules.ts'
import type { LoadCommand, LoadReport } from './load/messages.ts'
import { describeMachine, machineInWords } from './machine.ts'
import { Child } from './measure/child-process.ts'
import { measure, warmUp, type Sample } from './measure/measure.ts'
import { startServer, type RunningServer } from './measure/running-server.ts'
import { writeDocs } from './report/write-docs.ts'
import type { Target } from './workloads.ts'

const quick = process.argv.includes('--quick')
const write = process.argv.includes('--write')
if (quick && write) {
  console.error('npm run bench:access: --quick is too short for figures that are kept')
  process.exit(2)
}
const rounds = quick ? 1 : 3
const seconds = quick ? 0.5 : 2.5
const CONNECTIONS = 32
const say = (words: string): void => console.log(words)

const decisions = decisionTable(await measureDecisions())
say(decisions)
const prepared = await prepareAccess(say)
try {
  const samples = await measureRequests(prepared)
  const report = [
    `Measured on ${machineInWords(describeMachine(prepared.identity.version))}. One decision, warm, alone; then ${rounds} interleaved rounds of ${seconds} s, ${CONNECTIONS} connections in a closed loop; CPU µs of the server's process and of PostgreSQL per request, medians (range).`,
    decisions,
    `"${ROLES} roles": ${ROLES * PERMISSIONS_EACH} permissions about other things and ${LISTED} ACL rows, one for each project that the person may read; what he asks for he may by one of those alone. CASL and Casbin hold their rules in memory, read once and never again; Plinth's ACL lies in the database, and what is taken away is gone within a second.`,
    accessTable(samples),
  ].join('\n\n')
  say(`\n${report}`)
  if (write) writeDocs('access', report)
} finally {
  await prepared.identity.stop()
}

async function measureRequests(parts: PreparedAccess): Promise<ReadonlyMap<AccessWorkload, readonly Sample[]>> {
  const load = new Child<LoadCommand, LoadReport>('load generator', 'load/generator.ts')
  const { app, owner, key, secretKeys, postmaster, ids } = parts.identity
  const servers = new Map<string, RunningServer>()
  try {
    servers.set('plinth', await start('plinth', 'identity/plinth-server.ts', app, JSON.stringify({ key, secretKeys })))
    for (const variant of ['none', 'casl', 'casbin'])
      servers.set(variant, await start(variant, 'servers/hono-drizzle.ts', owner, variant))
    const options = { warmUpSeconds: 0.5, seconds, postmaster }
    const connectionsOf = (workload: AccessWorkload): number => workload.connections ?? CONNECTIONS
    const targetOf = (server: RunningServer): Target => ({
      port: server.port,
      tenants: parts.tenants,
      ids,
      recordedPath: '',
      drained: () => Promise.resolve(),
    })
    const all = accessWorkloads(parts)
    const samples = new Map<AccessWorkload, Sample[]>(all.map((workload) => [workload, []]))
    for (const workload of all) {
      const server = servers.get(workload.server)!
      await warmUp(load, server, workload, targetOf(server), {
        ...options,
        connections: connectionsOf(workload),
        warmUpSeconds: quick ? 0.5 : 3,
      })
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const workload of all) {
        const server = servers.get(workload.server)!
        const connections = connectionsOf(workload)
        const sample = await measure(load, server, workload, targetOf(server), { ...options, connections })
        samples.get(workload)!.push(sample)
        say(
          `  ${workload.title.padEnd(48)} node ${sample.nodeUs.toFixed(0)} µs, PostgreSQL ${sample.postgresUs.toFixed(0)} µs, others took ${(sample.foreign * 100).toFixed(0)} %`,
        )
      }
    }
    return samples
  } finally {
    await load.stop()
    for (const server of servers.values()) await server.stop()
  }

  function start(name: string, file: string, databaseUrl: string, variant: string): Promise<RunningServer> {
    const env = { NODE_ENV: 'production', LOG_LEVEL: 'warn' }
    const spec = { name, title: name, file, variant, login: 'app', env, workloads: [], recordedPath: '' } as const
    return startServer({ spec, databaseUrl, tenants: parts.tenants, logFile: '/dev/null', profile: undefined })
  }
}
