import { parseArgs } from 'node:util'
import { postgresJsDriver } from '@plinth/postgres/driver'
import { createDatabase, launchServer } from '@plinth/testing'
import { measureFairness, type Fairness } from './jobs/fairness.ts'
import { bareAsked } from './jobs/pg-boss/bare.ts'
import { byWorkers, inHundreds, inItsTransaction } from './jobs/pg-boss/ways.ts'
import { plinthAsked, plinthRound, type JobsRound } from './jobs/plinth.ts'
import { describeMachine, machineInWords } from './machine.ts'
import { spread } from './report/statistics.ts'
import { markdownTable } from './report/table.ts'
import { writeDocs } from './report/write-docs.ts'

/*
 * `npm run bench:jobs`: so many jobs that each write one row of a tenant in a transaction, by Plinth and by pg-boss alone in three ways,
 * in turns in one run on one server. What is compared is the time from the first job taken to the last one done; both wait in their tables before. Then
 * what one tenant waits while another one has twenty thousand waiting, of which half are left at the end.
 */
const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '6000' },
    // As many as there are ways: each is the first once.
    rounds: { type: 'string', default: '7' },
    queued: { type: 'string', default: '20000' },
    write: { type: 'boolean', default: false },
  },
})
const [jobs, rounds, queued] = [Number(values.jobs), Number(values.rounds), Number(values.queued)]
if (!(jobs >= 100 && jobs % 100 === 0 && rounds >= 1 && queued >= 100)) {
  console.error('usage: npm run bench:jobs -- [--jobs 6000] [--rounds 7] [--queued 20000] [--write]')
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
const TOGETHER = 25
const ours = {
  plinth: (url: string) => plinthRound(url, jobs),
  [`plinth, ${TOGETHER} together`]: (url: string) => plinthRound(url, jobs, { together: TOGETHER }),
  'plinth, by the queue': (url: string) => plinthRound(url, jobs, { company: true }),
  [`plinth, by the queue, ${TOGETHER} together`]: (url: string) =>
    plinthRound(url, jobs, { company: true, together: TOGETHER }),
}
const theirs = {
  'pg-boss, its own workers': (url: string) => byWorkers(url, jobs),
  'pg-boss, by the hundred': (url: string) => inHundreds(url, jobs),
  'pg-boss, completed in the transaction': (url: string) => inItsTransaction(url, jobs),
}
const ways = { ...ours, ...theirs }
const results = new Map<string, JobsRound[]>(Object.keys(ways).map((name) => [name, []]))
const roundsOf = (name: string): readonly JobsRound[] => results.get(name) ?? []
for (let round = 0; round < rounds; round += 1) {
  // Another one is the first in each round: V8's compiler is not done with what comes before all others.
  const all = Object.entries(ways)
  const inTurn = [...all.slice(round % all.length), ...all.slice(0, round % all.length)]
  for (const [name, run] of inTurn) {
    const result = await onDatabase(run)
    results.get(name)?.push(result)
    console.error(
      `${name}: ${Math.round(result.asked)} asked, ${Math.round(result.done)} done a second, ${Math.round(result.cpu.node)} + ${Math.round(result.cpu.postgres)} µs`,
    )
  }
}
const asks: { readonly plinth: number; readonly bare: number }[] = []
for (let round = 0; round < rounds; round += 1)
  asks.push({
    plinth: await onDatabase((url) => plinthAsked(url, jobs)),
    bare: await onDatabase((url) => bareAsked(url, jobs)),
  })
const fairness: Fairness[] = []
for (let round = 0; round < rounds; round += 1) {
  const one = await onDatabase((url) => measureFairness(url, queued, 200))
  console.error(`p95 from asked to begun: ${one.alone.p95.toFixed(1)} ms alone, ${one.beside.p95.toFixed(1)} beside`)
  fairness.push(one)
}
await server.stop()

const middle = (name: string, of: (round: JobsRound) => number): number => spread(roundsOf(name).map(of)).median
const cpuOf = ({ cpu }: JobsRound): number => cpu.node + cpu.postgres
const rates = markdownTable(
  ['one row in a transaction', 'asked/s', 'done/s', 'node, CPU µs', 'PostgreSQL, CPU µs', 'together'],
  Object.keys(ways).map((name) => [
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
const left = Math.min(...fairness.map((one) => one.left))
const waited = (of: (one: Fairness) => number): string => ms(spread(fairness.map(of)).median)
const waits = markdownTable(
  ['from asked to begun, one every 15 ms', 'p50', 'p95'],
  [
    ['alone', waited(({ alone }) => alone.p50), waited(({ alone }) => alone.p95)],
    [
      `while another tenant has ${queued} to ${Math.floor(left / 1_000)}000 waiting`,
      waited(({ beside }) => beside.p50),
      waited(({ beside }) => beside.p95),
    ],
  ],
)
const delay = spread(fairness.map(({ alone, beside }) => beside.p95 / alone.p95))
const verdict = (reached: boolean): string => (reached ? 'reached' : '**missed**')
/** Of the same round each, so that what the machine did meanwhile is in both. */
const ratio = (own: string, other: string): ReturnType<typeof spread> =>
  spread(roundsOf(own).map(({ done }, at) => done / roundsOf(other)[at]!.done))
const jobGoals = Object.keys(ours).flatMap((own) =>
  Object.keys(theirs).map((other) => {
    const { median, least, most } = ratio(own, other)
    const measured = `${median.toFixed(2)} × (${least.toFixed(2)}–${most.toFixed(2)})`
    return [`jobs/s, ${own}`, `≥ ${GOAL} × ${other}`, measured, verdict(median >= GOAL)]
  }),
)
const askedRatio = spread(asks.map(({ plinth, bare }) => plinth / bare)).median
const askGoal = [
  'jobs asked for a second, each by itself',
  `≥ ${GOAL} × pg-boss, send`,
  `${askedRatio.toFixed(2)} ×`,
  verdict(askedRatio >= GOAL),
]
const asked = markdownTable(
  ['asked for, each by itself, ten at once', 'a second'],
  [
    ['plinth, in a transaction', String(Math.round(spread(asks.map(({ plinth }) => plinth)).median))],
    ['pg-boss, send', String(Math.round(spread(asks.map(({ bare }) => bare)).median))],
  ],
)
const fairGoal = left > 0 ? verdict(delay.median <= FAIR) : 'the other one was done'
const delayed = `${delay.median.toFixed(2)} × (${delay.least.toFixed(2)}–${delay.most.toFixed(2)})`
const goals = markdownTable(
  ['goal', 'wanted', 'measured', 'verdict'],
  [...jobGoals, askGoal, ['p95 of a tenant beside a full one', `≤ ${FAIR} × alone`, delayed, fairGoal]],
)
const block = [
  `Measured on ${machineInWords(describeMachine(String(shown?.['server_version']).split(' ')[0] ?? ''))}. fsync off; ${rounds} rounds of ${jobs} jobs in turns, ten at once; medians. At least ${left} jobs of the other tenant still waited when the last one was measured.`,
  goals,
  rates,
  asked,
  waits,
].join('\n\n')
console.log(block)
if (values.write) writeDocs('jobs', block)
