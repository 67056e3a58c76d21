// `npm run bench:audit`: what it costs to keep an audit log, beside the same requests without one, and beside the same by hand.
import { parseArgs } from 'node:util'
import { measureBook, type BookRates } from './audit/book-rates.ts'
import { measureCreates, type CreateCosts } from './audit/create-costs.ts'
import { bookTable, createTable, goalsTable } from './audit/goals.ts'
import { prepareDatabase } from './database/prepare.ts'
import { describeMachine, machineInWords } from './machine.ts'
import { spread } from './report/statistics.ts'
import { writeDocs } from './report/write-docs.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    /** Contestants, or `book`, with commas between; for work on one of them. */
    only: { type: 'string' },
    profile: { type: 'string' },
    rounds: { type: 'string' },
  },
})
const { quick, write, profile } = values
const only = values.only?.split(',') ?? []
if (write && (quick || only.length > 0)) {
  console.error('npm run bench:audit: --write needs a whole run, without --quick and --only')
  process.exit(2)
}
const rounds = Number(values.rounds ?? (quick ? 1 : 5))
const seconds = quick ? 1 : 3
const connections = 32
const say = (words: string): void => console.log(words)

const prepared = await prepareDatabase(say)
try {
  const wantsBook = only.length === 0 || only.includes('book')
  const wantsCreates = only.length === 0 || only.some((name) => name !== 'book')
  const book = wantsBook
    ? await measureBook(await prepared.copy('book'), quick ? 10_000 : 40_000, quick ? 1 : 4)
    : undefined
  const costs = wantsCreates
    ? await measureCreates(prepared, {
        rounds,
        seconds,
        connections,
        warmUpSeconds: quick ? 1 : 20,
        profile,
        only,
        say,
      })
    : undefined
  const report = reportOf(costs, book)
  say(`\n${report}`)
  if (write) writeDocs('audit', report)
} finally {
  await prepared.stop()
}

function reportOf(costs: CreateCosts | undefined, book: BookRates | undefined): string {
  const machine = machineInWords(describeMachine(prepared.version))
  const parts = [
    `Measured on ${machine}. fsync and synchronous_commit on; ${rounds} interleaved rounds of ${seconds} s, ${connections} connections in a closed loop; CPU µs of the server's process and of PostgreSQL per request, medians (range).${costs ? ` Others took ${foreignOf(costs)} % of the machine meanwhile.` : ''}`,
  ]
  if (costs && book && only.length === 0) parts.push(goalsTable(costs, book))
  if (costs) parts.push(createTable(costs))
  if (book) parts.push(bookTable(book))
  return parts.join('\n\n')
}

function foreignOf({ samples }: CreateCosts): string {
  return (spread([...samples.values()].flat().map(({ foreign }) => foreign)).median * 100).toFixed(0)
}
