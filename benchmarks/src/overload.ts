// `npm run bench:overload`: more requests than one process can answer, with load shedding and without.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createDatabase, launchServer, loginUrl } from '@plinth/testing'
import { LoadConnection, type Tally } from './load/load-connection.ts'
import { offer, type Offered } from './overload/open-loop.ts'
import { openOverloaded } from './overload/platform.ts'
import { spread } from './report/statistics.ts'

const SECONDS = 3
const ROUNDS = 3
const token = 'a-token-of-forty-characters-0123456789abc'
const script = {
  next: () => `GET /slow HTTP/1.1\r\nHost: bench\r\n\r\n`,
  answered: () => undefined,
}

const server = await launchServer()
const database = await createDatabase(server.url)
const url = loginUrl(database.url, 'plinth_app')
const first = openOverloaded(url, token, {}, database.url)
await first.migrate()
await first.foundTenant({ slug: 'bench', name: 'Bench' })
await first.close()

async function start(shedding: 'on' | 'off'): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = fork(join(import.meta.dirname, 'overload/server.ts'), [url, token, shedding])
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

/** Requests a second of 32 who wait for each answer: what one process can do. */
async function capacityAt(port: number): Promise<number> {
  const connections = await Promise.all(Array.from({ length: 32 }, () => LoadConnection.open(port, script)))
  const rates: number[] = []
  for (const seconds of [2, 2, 2, 2]) {
    const tally: Tally = { latencies: [], statuses: new Map() }
    const until = performance.now() + seconds * 1_000
    await Promise.all(connections.map((connection) => connection.run(until, tally)))
    rates.push((tally.statuses.get('200') ?? 0) / seconds)
  }
  for (const connection of connections) connection.close()
  return Math.max(...rates)
}

const print = (cells: readonly (string | number)[]): void =>
  console.info(cells.map((cell) => String(typeof cell === 'number' ? Math.round(cell) : cell).padStart(9)).join(' '))

const servers = { on: await start('on'), off: await start('off') }
const capacity = Math.max(await capacityAt(servers.on.port), await capacityAt(servers.off.port))
console.info(`one process answers ${Math.round(capacity)} requests a second to 32 who wait`)
print(['offered', 'times', 'shedding', '200/s', '503/s', 'missed/s', 'p50 ms', 'p99 ms'])
for (const times of [0.5, 1.5, 3, 6]) {
  const seen = { on: [] as Offered[], off: [] as Offered[] }
  // In turn, so that a machine that gets busy is busy for both.
  for (let round = 0; round < ROUNDS; round += 1)
    for (const shedding of ['on', 'off'] as const)
      seen[shedding].push(await offer(servers[shedding].port, script, capacity * times, SECONDS))
  for (const shedding of ['on', 'off'] as const) {
    const middle = (of: (one: Offered) => number): number => spread(seen[shedding].map(of)).median
    const cells = [middle((one) => one.good), middle((one) => one.shed), middle((one) => one.missed)]
    print([capacity * times, String(times), shedding, ...cells, middle((one) => one.p50), middle((one) => one.p99)])
  }
}
for (const { child } of [servers.on, servers.off]) {
  const gone = once(child, 'exit')
  child.disconnect()
  await gone
}
await database.drop()
await server.stop()
