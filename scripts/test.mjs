// Runs every test and ends with one line, `N passed, N failed, N skipped`, that a person or a machine can read last.
// Arguments go to vitest: `npm test -- core` runs the files whose path contains "core".
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './packages.mjs'

const folder = mkdtempSync(join(tmpdir(), 'plinth-totals-'))
const file = join(folder, 'totals.json')
const run = spawnSync(join(root, 'node_modules/.bin/vitest'), ['run', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    PLINTH_TEST_TOTALS: file,
    // Processes that tests start compile the sources once for all of them.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(root, 'node_modules/.cache/plinth/compiled'),
  },
})

let totals = { passed: 0, failed: 1, skipped: 0, again: /** @type {string[]} */ ([]) }
try {
  totals = JSON.parse(readFileSync(file, 'utf8'))
} catch {
  console.error('The test run ended before it could count anything.')
}
rmSync(folder, { recursive: true })
// Vitest has reasons of its own to fail (no test file, a leaked handle): they must not hide behind "0 failed".
if (run.status !== 0 && totals.failed === 0) totals.failed = 1
for (const test of totals.again) console.log(`Passed on the second try only, which is a defect: ${test}`)
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
process.exitCode = totals.failed === 0 ? 0 : 1
