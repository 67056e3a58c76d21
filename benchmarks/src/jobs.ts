import { createDatabase, launchServer } from '@plinth/testing'
import { bareRound } from './jobs/bare.ts'
import { plinthRound, type JobsRound } from './jobs/plinth.ts'

/*
 * `npm run bench:jobs`: so many jobs that each write one row of a tenant in a transaction, by Plinth and by pg-boss alone, in turns in
 * one run on one server. What is compared is the time from the first job taken to the last one done; both wait in their tables before.
 */
const [jobs, rounds] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 5)]
if (!(jobs >= 100) || !(rounds >= 1)) {
  console.error('usage: npm run bench:jobs -- [jobs] [rounds]')
  process.exit(2)
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
const server = await launchServer({ own: true })
const results: Record<'plinth' | 'pg-boss', JobsRound[]> = { plinth: [], 'pg-boss': [] }
for (let round = 0; round < rounds; round += 1) {
  for (const [name, run] of [
    ['plinth', plinthRound],
    ['pg-boss', bareRound],
  ] as const) {
    const database = await createDatabase(server.url)
    const result = await run(database.url, jobs)
    results[name].push(result)
    await database.drop()
    console.error(`${name}: ${Math.round(result.asked)} asked, ${Math.round(result.done)} done a second`)
  }
}
await server.stop()
const rate = (name: keyof typeof results, what: keyof JobsRound): number =>
  median(results[name].map((one) => one[what]))
for (const name of ['plinth', 'pg-boss'] as const)
  console.log(`| ${name} | ${Math.round(rate(name, 'asked'))} | ${Math.round(rate(name, 'done'))} |`)
console.log(`done: ${(rate('plinth', 'done') / rate('pg-boss', 'done')).toFixed(2)} x pg-boss alone`)
