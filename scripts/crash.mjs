import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

/*
 * `npm run test:crash [-- --scale 0.1] [--only crash|audit]`: what takes too long for `npm test`, times the scale.
 * - crash: kill -9 of workers and of the process that serves, and crashes of PostgreSQL: 20,000 jobs, 200 kills, 50 crashes, 500 keys, 200
 *   requests that are cut off.
 * - audit: 64 writers of 1,000 entries each while three others seal, and 10,000 deeds of a superuser on the log itself.
 */
const usage = 'usage: npm run test:crash -- [--scale 0.1] [--only crash|audit]'
const { values } = parseArgs({ options: { scale: { type: 'string', default: '1' }, only: { type: 'string' } } })
const scale = Number(values.scale)
if (!(scale >= 0.1 && scale <= 10) || (values.only !== undefined && !['crash', 'audit'].includes(values.only))) {
  console.error(usage)
  process.exit(2)
}

const chain = 'packages/features/audit/tests/chain.test.ts'
const times = (/** @type {number} */ count) => String(Math.round(count * scale))
const runs = [
  { name: 'crash', arguments: ['tests/crash'], env: { PLINTH_CRASH: values.scale } },
  { name: 'audit', arguments: [chain, '-t', 'writers at once'], env: { PLINTH_AUDIT_EACH: times(1_000) } },
  // A chain of 385 entries, which is read as a whole after each of them.
  { name: 'audit', arguments: [chain], env: { PLINTH_AUDIT_DEEDS: times(10_000) } },
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
