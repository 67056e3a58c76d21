import { parseArgs } from 'node:util'
import { postgresJsDriver } from '@plinth/postgres/driver'
import { createDatabase, launchServer } from '@plinth/testing'
import { bareRound } from './jobs/bare.ts'
import { measureFairness, type Fairness } from './jobs/fairness.ts'
import { plinthRound, type JobsRound } from './jobs/plinth.ts'
import { describeMachine, machineInWords } from './machine.ts'
import { spread } from './report/statistics.ts'
import { markdownTable } from './report/table.ts'
import { writeDocs } from './report/write-docs.ts'

/*
 * `npm run bench:jobs`: so many jobs that each write one row of a tenant in a transaction, by Plinth and by pg-boss alone, in turns in one
 * run on one server. What is compared is the time from the first job taken to the last one done; both wait in their tables before. Then
 * what one tenant waits while another one has ten thousand in the queue.
 */
const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '6000' },
    rounds: { type: 'string', default: '5' },
    queued: { type: 'string', default: '10000' },
    write: { type: 'boolean', default: false },
  },
})
const [jobs, rounds, queued] = [Number(values.jobs), Number(values.rounds), Number(values.queued)]
if (!(jobs >= 100 && jobs % 100 === 0 && rounds >= 1 && queued >= 100)) {
  console.error('usage: npm run bench:jobs -- [--jobs 6000] [--rounds 5] [--queued 10000] [--write]')
  process.exit(2)
}
const GOAL = 0.9
const FAIR = 2

const server = await launchServer({ own: true })
const driver = postgresJsDriver(server.url, {
  max: 1,
  applicationName: 'bench',
  prepare: false,
  statementTimeoutMs: 60_000,
  connectTimeoutSeconds: 10,
})
const [shown] = await driver.query('show server_version')
await driver.close()
const onDatabase = async <T>(work: (url: string) => Promise<T>): Promise<T> => {
  const database = await createDatabase(server.url)
  try {
    return await work(database.url)
  } finally {
    await database.drop()
  }
}
const results: Record<'plinth' | 'pg-boss alone', JobsRound[]> = { plinth: [], 'pg-boss alone': [] }
for (let round = 0; round < rounds; round += 1)
  for (const [name, run] of [
    ['plinth', plinthRound],
    ['pg-boss alone', bareRound],
  ] as const) {
    const result = await onDatabase((url) => run(url, jobs))
    results[name].push(result)
    console.error(
      `${name}: ${Math.round(result.asked)} asked, ${Math.round(result.done)} done a second, ${Math.round(result.cpu.node)} + ${Math.round(result.cpu.postgres)} µs`,
    )
  }
const fair: Fairness = await onDatabase((url) => measureFairness(url, queued, 200))
await server.stop()

const middle = (name: keyof typeof results, of: (round: JobsRound) => number): number =>
  spread(results[name].map(of)).median
const ratios = spread(results.plinth.map(({ done }, at) => done / results['pg-boss alone'][at]!.done))
const cpuOf = ({ cpu }: JobsRound): number => cpu.node + cpu.postgres
const names = ['plinth', 'pg-boss alone'] as const
const rates = markdownTable(
  ['one row in a transaction', 'asked/s', 'done/s', 'node, CPU µs', 'PostgreSQL, CPU µs', 'together'],
  names.map((name) => [
    name,
    ...[
      (one: JobsRound) => one.asked,
      (one: JobsRound) => one.done,
      (one: JobsRound) => one.cpu.node,
      (one: JobsRound) => one.cpu.postgres,
      cpuOf,
    ].map((of) => String(Math.round(middle(name, of)))),
  ]),
)
const ms = (value: number): string => `${value.toFixed(1)} ms`
const waits = markdownTable(
  ['from asked to begun, one every 15 ms', 'p50', 'p95'],
  [
    ['alone', ms(fair.alone.p50), ms(fair.alone.p95)],
    [`while another tenant has ${queued} in the queue`, ms(fair.beside.p50), ms(fair.beside.p95)],
  ],
)
const delay = fair.beside.p95 / fair.alone.p95
const verdict = (reached: boolean): string => (reached ? 'reached' : '**missed**')
const goals = markdownTable(
  ['goal', 'wanted', 'measured', 'verdict'],
  [
    [
      'jobs/s',
      `≥ ${GOAL} × pg-boss alone`,
      `${ratios.median.toFixed(2)} × (${ratios.least.toFixed(2)}–${ratios.most.toFixed(2)})`,
      verdict(ratios.median >= GOAL),
    ],
    [
      'p95 of a tenant beside a full one',
      `≤ ${FAIR} × alone`,
      `${delay.toFixed(2)} ×`,
      fair.left > 0 ? verdict(delay <= FAIR) : 'the other one was done',
    ],
  ],
)
const block = [
  `Measured on ${machineInWords(describeMachine(String(shown?.['server_version']).split(' ')[0] ?? ''))}. fsync off; ${rounds} rounds of ${jobs} jobs in turns, ten at once; medians. ${fair.left} jobs of the other tenant still waited when the last one was measured.`,
  goals,
  rates,
  waits,
].join('\n\n')
console.log(block)
if (values.write) writeDocs('jobs', block)
