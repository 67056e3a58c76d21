import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

/*
 * `npm run test:crash [-- --scale 0.1] [--only crash|audit|webhooks]`: what takes too long for `npm test`, times the scale.
 * - crash: kill -9 of workers and of the process that serves, and crashes of PostgreSQL: 20,000 jobs, 200 kills, 50 crashes, 500 keys, 200
 *   requests that are cut off.
 * - audit: 64 writers of 1,000 entries each while two platforms seal, and 10,000 random deeds of a superuser on the table of the log.
 * - webhooks: 20,000 events to a receiver that fails at 30 % and hangs at 5 % of them, while processes that send are killed by kill -9.
 */
const usage = 'usage: npm run test:crash -- [--scale 0.1] [--only crash|audit|webhooks]'
const { values } = parseArgs({ options: { scale: { type: 'string', default: '1' }, only: { type: 'string' } } })
const scale = Number(values.scale)
if (
  !(scale >= 0.1 && scale <= 10) ||
  (values.only !== undefined && !['crash', 'audit', 'webhooks'].includes(values.only))
) {
  console.error(usage)
  process.exit(2)
}

const tests = 'packages/features/audit/tests'
const times = (/** @type {number} */ count) => String(Math.round(count * scale))
const runs = [
  { name: 'crash', arguments: ['tests/crash'], env: { PLINTH_CRASH: values.scale } },
  {
    name: 'audit',
    arguments: [`${tests}/chain.test.ts`, '-t', 'writers at once'],
    env: { PLINTH_AUDIT_EACH: times(1_000) },
  },
  // Each is a transaction of some 20 ms on a chain of 24 entries, which is rolled back.
  { name: 'audit', arguments: [`${tests}/table-deeds.test.ts`], env: { PLINTH_AUDIT_DEEDS: times(10_000) } },
  { name: 'webhooks', arguments: ['tests/webhooks'], env: { PLINTH_WEBHOOK_EVENTS: times(20_000) } },
]

let failed = 0
for (const run of runs) {
  if (values.only !== undefined && values.only !== run.name) continue
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--typecheck.enabled=false', '--reporter=verbose', ...run.arguments],
    { stdio: 'inherit', env: { ...process.env, ...run.env } },
  )
  if (status !== 0) failed = status ?? 1
}
process.exit(failed)
