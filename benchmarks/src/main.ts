import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { noEventsLeft } from './database/no-events-left.ts'
import { prepareDatabase, type Prepared } from './database/prepare.ts'
import { describeMachine, machineInWords } from './machine.ts'
import { Child } from './measure/child-process.ts'
import type { LoadCommand, LoadReport } from './load/messages.ts'
import { postgresCpu } from './measure/postgres-cpu.ts'
import { runRounds, type Entrant } from './measure/rounds.ts'
import { startServer } from './measure/running-server.ts'
import { measureMicro } from './micro.ts'
import { readOptions, type Options } from './options.ts'
import { figuresOf } from './report/figures.ts'
import { renderReport } from './report/render.ts'
import { writeDocs } from './report/write-docs.ts'
import { servers } from './servers/catalog.ts'
import { verifyAll } from './verify.ts'
import { workloads } from './workloads.ts'

const folder = fileURLToPath(new URL('../.data', import.meta.url))
const connections = 32
const say = (words: string): void => console.log(words)

if (process.platform !== 'linux') {
  console.error('The benchmark needs Linux: the CPU time of PostgreSQL is read from /proc.')
  process.exit(1)
}
try {
  await bench(readOptions(process.argv.slice(2)))
} catch (error) {
  console.error(error instanceof Error && error.message.startsWith('npm run') ? error.message : error)
  process.exit(1)
}

async function bench(options: Options): Promise<void> {
  mkdirSync(folder, { recursive: true })
  say('starting PostgreSQL (fsync, synchronous_commit and full_page_writes on)')
  const prepared = await prepareDatabase(say)
  const entrants: Entrant[] = []
  const load = new Child<LoadCommand, LoadReport>('load generator', 'load/generator.ts')
  try {
    for (const spec of chosenServers(options)) entrants.push(await start(spec, prepared, options))
    say('asking every server the same questions')
    await verifyAll(entrants)
    const idleUs = await idleCpu(prepared)
    const run = workloads.filter(({ name }) =>
      isChosen(
        options,
        name,
        workloads.map((one) => one.name),
      ),
    )
    const samples = await runRounds(entrants, run, {
      ...options,
      load,
      say,
      connections,
      postmaster: prepared.postmaster,
    })
    say('measuring the parts alone')
    const micro = options.micro ? measureMicro() : []
    const machine = describeMachine(prepared.version)
    const figures = figuresOf(samples, run, servers)
    const report = renderReport({ machine: machineInWords(machine), options, figures, micro, connections })
    say(`\n${report}`)
    const result = `${folder}/result-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`
    writeFileSync(
      result,
      JSON.stringify({ machine, options, idlePostgresUsPerSecond: idleUs, figures, micro }, null, 2),
    )
    say(`\nwritten: ${result}`)
    if (options.write) {
      writeDocs('bench', report)
      say('written: docs/performance.md')
    }
  } finally {
    await load.stop()
    for (const { server } of entrants) await server.stop()
    await prepared.stop()
  }
}

function isChosen({ only }: Options, name: string, among: readonly string[]): boolean {
  const named = only.filter((one) => among.includes(one))
  return named.length === 0 || named.includes(name)
}

function chosenServers(options: Options): typeof servers {
  return servers.filter((spec) =>
    isChosen(
      options,
      spec.name,
      servers.map((one) => one.name),
    ),
  )
}

async function start(spec: (typeof servers)[number], prepared: Prepared, { profile }: Options): Promise<Entrant> {
  const urls = await prepared.copy(`bench_${spec.name.replaceAll('-', '_')}`)
  const drained = spec.worksAfterwards ? () => noEventsLeft(urls.owner) : () => Promise.resolve()
  const { tenants, ids } = prepared
  const server = await startServer({
    spec,
    databaseUrl: urls[spec.login],
    tenants,
    logFile: `${folder}/${spec.name}.log`,
    profile,
  })
  say(`  ${spec.name} listens on port ${server.port}`)
  return {
    spec,
    server,
    target: { port: server.port, tenants, ids, recordedPath: spec.recordedPath, drained },
    settle: () => prepared.tidy(urls),
  }
}

/** What PostgreSQL burns while nobody asks: belongs to no request, and should be next to nothing. */
async function idleCpu({ postmaster }: Prepared): Promise<number> {
  const before = postgresCpu(postmaster)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  return Math.round(postgresCpu(postmaster) - before)
}
