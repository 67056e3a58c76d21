import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

/* `npm run archive -- --rows 100000`: what is held in memory while a tenant of so many rows goes out and comes in. */
const { values } = parseArgs({ options: { rows: { type: 'string', default: '100000' } } })
if (!/^[1-9]\d{2,7}$/.test(values.rows)) {
  console.error('usage: npm run archive -- --rows 100000')
  process.exit(2)
}
const run = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--typecheck.enabled=false', 'tests/archive/large-archive.test.ts'],
  { stdio: 'inherit', env: { ...process.env, PLINTH_ARCHIVE_ROWS: values.rows } },
)
process.exit(run.status ?? 1)
