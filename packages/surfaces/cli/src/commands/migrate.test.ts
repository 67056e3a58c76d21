import type { MigrationReport, Plinth } from '@plinth/core'
import { expect, test } from 'vitest'
import type { CommandCall } from '../command.ts'
import { styleOf } from '../style.ts'
import { migrate } from './migrate.ts'

/** Runs the command over a platform whose migration ends like this. */
async function run(report: Partial<MigrationReport>) {
  const said: string[] = []
  const printed: unknown[] = []
  const plinth = { migrate: () => Promise.resolve({ applied: [], warnings: [], failed: [], ...report }) }
  const call = {
    terminal: { err: (text: string) => said.push(text), out: () => undefined, isLive: false, cwd: '/' },
    style: styleOf(false),
    json: true,
    text: () => undefined,
    flag: () => false,
    positional: undefined,
    printJson: (value: unknown) => printed.push(value),
    plinth: () => Promise.resolve(plinth as unknown as Plinth),
  }
  const code = await migrate.run(call as unknown as CommandCall)
  return { code, said: said.join(''), printed }
}

test('a tenant whose schema could not be brought up to date is a failure, and is named', async () => {
  const fault = { path: 'tenant acme', problem: 'two rows have one name', fix: 'give them two names' }
  const { code, said, printed } = await run({ applied: ['tenant beta: created table sites'], failed: [fault] })
  expect(code).toBe(1)
  expect(said).toContain('tenant acme: two rows have one name')
  expect(said).toContain('Done: 1 step. 1 failed')
  expect(printed).toEqual([{ ok: false, applied: ['tenant beta: created table sites'], warnings: [], failed: [fault] }])
})

test('nothing to do is no failure', async () => {
  const { code, said } = await run({})
  expect([code, said]).toEqual([0, 'The database is up to date.\n'])
})
