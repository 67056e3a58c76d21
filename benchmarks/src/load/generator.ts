import { LoadConnection, type Tally } from './load-connection.ts'
import type { LoadCommand, LoadReport, LoadResult } from './messages.ts'
import { scriptsOf } from './scripts.ts'

// A process of its own: what it burns is counted to nobody.
let connections: readonly LoadConnection[] = []

process.on('message', (command: LoadCommand) => {
  obey(command).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit(0))

async function obey(command: LoadCommand): Promise<LoadReport> {
  switch (command.kind) {
    case 'open': {
      const scripts = scriptsOf(command.plan, command.connections)
      connections = await Promise.all(scripts.map((script) => LoadConnection.open(command.port, script)))
      return { kind: 'done' }
    }
    case 'run':
      return { kind: 'result', result: await run(command.seconds) }
    case 'close':
      for (const connection of connections) connection.close()
      connections = []
      return { kind: 'done' }
  }
}

async function run(seconds: number): Promise<LoadResult> {
  const tally: Tally = { latencies: [], statuses: new Map() }
  const startedAt = performance.now()
  const before = process.cpuUsage()
  await Promise.all(connections.map((connection) => connection.run(startedAt + seconds * 1_000, tally)))
  const { user, system } = process.cpuUsage(before)
  const took = (performance.now() - startedAt) / 1_000
  const sorted = Float64Array.from(tally.latencies).sort()
  const quantile = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return {
    requests: sorted.length,
    statuses: Object.fromEntries(tally.statuses),
    broken: connections.filter((connection) => connection.broken).length,
    seconds: took,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    cpuUs: user + system,
  }
}
