// Counts what the run really did, type tests included, and hands the totals to scripts/test.mjs. An error outside a test
// (a file that does not load, an unhandled rejection, a source that does not compile) counts as one failure: a total that
// says "0 failed" must mean that nothing failed.
import { writeFileSync } from 'node:fs'

export default class TotalsReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly import('vitest').SerializedError[]} errors
   */
  onTestRunEnd(modules, errors) {
    const totals = { passed: 0, failed: errors.length, skipped: 0, again: /** @type {string[]} */ ([]) }
    for (const module of modules) {
      let failedHere = 0
      for (const test of module.children.allTests()) {
        const state = test.result().state
        if (test.diagnostic()?.flaky) totals.again.push(`${module.relativeModuleId} > ${test.fullName}`)
        if (state === 'passed') totals.passed++
        else if (state === 'skipped') totals.skipped++
        else failedHere++
      }
      // A hook or an import that threw fails the file without failing a test in it.
      const alone = failedHere === 0 && !module.ok() ? 1 : 0
      totals.failed += failedHere + alone
    }
    if (process.env.PLINTH_TEST_TOTALS) writeFileSync(process.env.PLINTH_TEST_TOTALS, JSON.stringify(totals))
  }
}
