import { cpuOf } from '../report/figures.ts'
import { spread } from '../report/statistics.ts'
import { markdownTable } from '../report/table.ts'
import type { BookRates } from './book-rates.ts'
import type { ContestantName, CreateCosts } from './create-costs.ts'

/** CPU µs of a create by hand (session, insert) on the machine on which 350 µs was set as the goal of Plinth's. */
const FLOOR_OF_THE_GOAL = 304
const CREATE_GOAL = 350
const WRITTEN_GOALS = { hot: 4_000, spread: 10_000 }
const VERIFIED_GOAL = 50_000

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')
const verdict = (reached: boolean): string => (reached ? 'reached' : '**missed**')

/** Each goal of the log, what was measured, and what the same run says of the least that it can cost. */
export function goalsTable(costs: CreateCosts, book: BookRates): string {
  const create = spread(costs.samples.get('unsealed')!.map(cpuOf)).median
  const wanted = CREATE_GOAL / FLOOR_OF_THE_GOAL
  const byHand = ratio(costs, 'unsealed', 'floor-both')
  const written = (kind: 'hot' | 'spread', title: string): readonly string[] => [
    title,
    `≥ ${whole(WRITTEN_GOALS[kind])} a second`,
    whole(book.written[kind]),
    `${whole(book.plain[kind])} by a plain insert: × ${(book.written[kind] / book.plain[kind]).toFixed(2)}`,
    verdict(book.written[kind] >= WRITTEN_GOALS[kind]),
  ]
  return markdownTable(
    ['goal', 'wanted', 'measured', 'the least that it can cost, in the same run', 'verdict'],
    [
      [
        'W3 create with audit entry and event, 32 connections of one caller',
        `≤ ${CREATE_GOAL} µs, or × ${wanted.toFixed(2)} of the same by hand`,
        `${whole(create)} µs`,
        `by hand with both: × ${byHand.toFixed(2)}; with row-level security: × ${ratio(costs, 'unsealed', 'floor-rls').toFixed(2)}; with nothing recorded: × ${ratio(costs, 'unsealed', 'floor').toFixed(2)}`,
        verdict(create <= CREATE_GOAL || byHand <= wanted),
      ],
      [
        'the same, each request by another caller',
        'as above',
        `${whole(spread(costs.samples.get('callers')!.map(cpuOf)).median)} µs`,
        `by hand with both: × ${ratio(costs, 'callers', 'floor-both').toFixed(2)}`,
        verdict(ratio(costs, 'callers', 'floor-both') <= wanted),
      ],
      written('hot', 'entries written, one busy tenant'),
      written('spread', 'entries written, 200 tenants'),
      [
        'entries verified',
        `≥ ${whole(VERIFIED_GOAL)} a second`,
        whole(book.verified),
        `${whole(book.hashed)} hashed and signed from memory: × ${(book.verified / book.hashed).toFixed(2)}`,
        verdict(book.verified >= VERIFIED_GOAL),
      ],
    ],
  )
}

/** CPU in units of another contestant's, of the same round each: a machine that slows down slows both. */
function ratio({ samples }: CreateCosts, name: ContestantName, floor: ContestantName): number {
  const floors = samples.get(floor)!
  return spread(samples.get(name)!.map((sample, round) => cpuOf(sample) / cpuOf(floors[round]!))).median
}

/** Who uses how much of what for a create. */
export function createTable({ titles, samples }: CreateCosts): string {
  return markdownTable(
    ['W3: create', 'requests/s', 'node, CPU µs', 'PostgreSQL, CPU µs', 'together (range)'],
    [...samples].map(([name, found]) => {
      const middle = (read: (sample: (typeof found)[number]) => number): string =>
        spread(found.map(read)).median.toFixed(0)
      const { median, least, most } = spread(found.map(cpuOf))
      return [
        titles.get(name)!,
        middle(({ perSecond }) => perSecond),
        middle(({ nodeUs }) => nodeUs),
        middle(({ postgresUs }) => postgresUs),
        `${median.toFixed(0)} (${least.toFixed(0)}–${most.toFixed(0)})`,
      ]
    }),
  )
}

export function bookTable(book: BookRates): string {
  return markdownTable(
    ['entries', 'one busy tenant, a second', '200 tenants, a second'],
    [
      [
        'a plain insert into an equal table: no tenant set, no policy, no check; a commit for each, 32 writers',
        whole(book.plain.hot),
        whole(book.plain.spread),
      ],
      ['an entry in the inbox, as the platform writes it', whole(book.written.hot), whole(book.written.spread)],
      [
        'put into the book by one process: encrypted, chained, signed',
        `${whole(book.sealed.hot)} (${book.sealedUs.hot.toFixed(0)} µs of CPU in Node each)`,
        `${whole(book.sealed.spread)} (${book.sealedUs.spread.toFixed(0)} µs)`,
      ],
      [
        'verified, read from the database',
        `${whole(book.verified)} (${book.verifiedUs.toFixed(1)} µs of CPU in Node each)`,
        '–',
      ],
      ['hashed and signed from memory, the part of it that nothing spares', whole(book.hashed), '–'],
    ],
  )
}
