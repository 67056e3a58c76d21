// `npm run bench:audit`: what it costs to keep an audit log, beside the same requests without one.
import connect from 'postgres'
import { measureBook } from './audit/book-rates.ts'
import { prepareDatabase, type DatabaseUrls, type Prepared } from './database/prepare.ts'
import type { LoadCommand, LoadReport } from './load/messages.ts'
import { describeMachine, machineInWords } from './machine.ts'
import { Child } from './measure/child-process.ts'
import { measure, warmUp, type Sample } from './measure/measure.ts'
import { startServer, type RunningServer } from './measure/running-server.ts'
import { cpuOf } from './report/figures.ts'
import { spread } from './report/statistics.ts'
import { markdownTable } from './report/table.ts'
import { writeDocs } from './report/write-docs.ts'
import { workloads, type Target } from './workloads.ts'

const quick = process.argv.includes('--quick')
const write = process.argv.includes('--write')
if (quick && write) {
  console.error('npm run bench:audit: --quick is too short for figures that are kept')
  process.exit(2)
}
const rounds = quick ? 1 : 3
const seconds = quick ? 1 : 3
const CONNECTIONS = 32
const say = (words: string): void => console.log(words)

const prepared = await prepareDatabase(say)
try {
  const book = await measureBook(await prepared.copy('book'), quick ? 10_000 : 40_000, quick ? 1 : 4)
  const samples = await measureCreates(prepared)
  const perSecond = (count: number): string => Math.round(count).toLocaleString('en-US')
  const report = [
    `Measured on ${machineInWords(describeMachine(prepared.version))}. fsync and synchronous_commit on; ${rounds} interleaved rounds of ${seconds} s, ${CONNECTIONS} connections in a closed loop; CPU µs of the server's process and of PostgreSQL per request, medians (range). What is done after the answers, sealing included, is counted in. Others took ${foreignOf(samples)} % of the machine meanwhile.`,
    createTable(samples),
    markdownTable(
      ['entries', 'one busy tenant, a second', '200 tenants, a second'],
      [
        [
          'written, a statement and a commit for each, 32 writers',
          perSecond(book.written.hot),
          perSecond(book.written.spread),
        ],
        [
          'put into the book by one process: encrypted, chained, signed',
          perSecond(book.sealed.hot),
          perSecond(book.sealed.spread),
        ],
        ['verified, read from the database', perSecond(book.verified), '–'],
      ],
    ),
  ].join('\n\n')
  say(`\n${report}`)
  if (write) writeDocs('audit', report)
} finally {
  await prepared.stop()
}

function foreignOf(samples: ReadonlyMap<string, readonly Sample[]>): string {
  return (spread([...samples.values()].flat().map(({ foreign }) => foreign)).median * 100).toFixed(0)
}

function createTable(samples: ReadonlyMap<string, readonly Sample[]>): string {
  const together = (found: readonly Sample[]): string => {
    const { median, least, most } = spread(found.map(cpuOf))
    return `${median.toFixed(0)} (${least.toFixed(0)}–${most.toFixed(0)})`
  }
  const middle = (found: readonly Sample[], of: (sample: Sample) => number): string =>
    spread(found.map(of)).median.toFixed(0)
  return markdownTable(
    ['W3: create', 'requests/s', 'node, CPU µs', 'PostgreSQL, CPU µs', 'together (range)'],
    [...samples].map(([title, found]) => [
      title,
      middle(found, (sample) => sample.perSecond),
      middle(found, (sample) => sample.nodeUs),
      middle(found, (sample) => sample.postgresUs),
      together(found),
    ]),
  )
}

async function measureCreates(parts: Prepared): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const load = new Child<LoadCommand, LoadReport>('load generator', 'load/generator.ts')
  const workload = workloads.find(({ name }) => name === 'w3')!
  const servers: { title: string; server: RunningServer; target: Target; urls: DatabaseUrls }[] = []
  const samples = new Map<string, Sample[]>()
  try {
    for (const [title, variant] of [
      ['without a log', 'plain'],
      ['with an audit log', 'audited'],
    ] as const) {
      const urls = await parts.copy(`audit_${variant}`)
      await parts.tidy(urls)
      const spec = {
        name: variant,
        title,
        file: 'servers/plinth.ts',
        variant,
        login: 'app',
        env: { NODE_ENV: 'production', LOG_LEVEL: 'warn' },
        workloads: [],
        recordedPath: '',
      } as const
      const server = await startServer({
        spec,
        databaseUrl: urls.app,
        tenants: parts.tenants,
        logFile: '/dev/null',
        profile: undefined,
      })
      const drained = (): Promise<void> => (variant === 'audited' ? inboxEmpty(urls) : Promise.resolve())
      servers.push({
        title,
        server,
        urls,
        target: { port: server.port, tenants: parts.tenants, ids: parts.ids, recordedPath: '', drained },
      })
      samples.set(title, [])
    }
    const options = { seconds, connections: CONNECTIONS, postmaster: parts.postmaster }
    for (const { server, target } of servers)
      await warmUp(load, server, workload, target, { ...options, warmUpSeconds: quick ? 1 : 4 })
    for (let round = 0; round < rounds; round += 1)
      for (const { title, server, target } of servers) {
        const sample = await measure(load, server, workload, target, { ...options, warmUpSeconds: 0.5 })
        samples.get(title)!.push(sample)
        say(
          `  ${title.padEnd(20)} node ${sample.nodeUs.toFixed(0)} µs, PostgreSQL ${sample.postgresUs.toFixed(0)} µs, others took ${(sample.foreign * 100).toFixed(0)} %`,
        )
      }
    return samples
  } finally {
    await load.stop()
    for (const { server } of servers) await server.stop()
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
