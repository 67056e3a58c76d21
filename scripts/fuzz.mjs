import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

/*
 * `npm run fuzz -- --requests 100000 --isolation shared|schema [--seed text]`: tenant a's people, keys and services against tenant b, in
 * process, and a twentieth of that over sockets with a pool of two and callers that hang up. One line of figures for each run.
 */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    isolation: { type: 'string', default: 'shared' },
    seed: { type: 'string', default: '1' },
  },
})
if (!/^[1-9]\d{0,8}$/.test(values.requests) || !['shared', 'schema'].includes(values.isolation)) {
  console.error('usage: npm run fuzz -- --requests 100000 --isolation shared|schema [--seed text]')
  process.exit(2)
}
const run = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--typecheck.enabled=false',
    'tests/leak/real-logins.test.ts',
    '-t',
    'tables of all tenants',
  ],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      PLINTH_FUZZ_REQUESTS: values.requests,
      PLINTH_FUZZ_ISOLATION: values.isolation,
      PLINTH_FUZZ_SEED: values.seed,
    },
  },
)
process.exit(run.status ?? 1)
