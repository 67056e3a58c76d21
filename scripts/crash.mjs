import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

/*
 * `npm run test:crash [-- --scale 0.1]`: kill -9 of workers and of the process that serves, and crashes of PostgreSQL: 20,000 jobs, 200
 * kills, 50 crashes, 500 keys, 200 requests that are cut off, times the scale.
 */
const { values } = parseArgs({ options: { scale: { type: 'string', default: '1' } } })
if (!(Number(values.scale) >= 0.1 && Number(values.scale) <= 10)) {
  console.error('usage: npm run test:crash -- --scale 0.1')
  process.exit(2)
}
const run = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--typecheck.enabled=false', '--reporter=verbose', 'tests/crash'],
  { stdio: 'inherit', env: { ...process.env, PLINTH_CRASH: values.scale } },
)
process.exit(run.status ?? 1)
