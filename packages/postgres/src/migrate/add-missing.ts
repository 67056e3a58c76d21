import type { Connection } from '../drivers/driver.ts'
import { literal } from '../statements/quote.ts'
import { resolveDoubts } from './ask-postgres.ts'
import { additionsOf, type Comparison, type ConstraintStep } from './comparison.ts'
import { MigrationRefused } from './migration-refused.ts'
import { runSteps, type Step } from './run-step.ts'

export interface Added {
  readonly applied: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Adds what is missing, as the owner (the caller has become him), or refuses before the first statement.
 * @throws MigrationRefused with every difference; the caller's transaction must then be rolled back
 */
export async function addMissing(connection: Connection, comparison: Comparison): Promise<Added> {
  // First, for a doubt may be about a column of a type that is new. Rolled back like everything else where it is refused.
  await runSteps(connection, comparison.enums)
  const right = await resolveDoubts(connection, comparison.doubts)
  const differences = [...comparison.differences, ...(right ?? [])].map((difference) => difference.words)
  if (differences.length > 0) throw new MigrationRefused(differences, undefined)
  const additions = additionsOf(comparison)
  const broken: string[] = []
  for (const step of additions.slice(comparison.enums.length)) {
    const refused =
      'guarded' in step && step.guarded ? await runGuarded(connection, step) : await runPlain(connection, step)
    if (refused !== undefined) broken.push(refused)
  }
  if (broken.length > 0) throw new MigrationRefused(broken, undefined)
  const warnings = right
    ? []
    : [
        `Not compared, because the owner may not make temporary tables: ${comparison.doubts.map((doubt) => doubt.words).join('; ')}`,
      ]
  return { applied: additions.map((step) => step.words), warnings }
}

async function runPlain(connection: Connection, step: Step): Promise<undefined> {
  await runSteps(connection, [step])
  return undefined
}

/**
 * A key or check over rows that are there. Whether they keep it only the attempt shows: under FORCE row-level security the
 * owner would count 0 rows that break it. The block is a savepoint, so that all that fail can be named together.
 */
async function runGuarded(connection: Connection, step: ConstraintStep): Promise<string | undefined> {
  const block = `begin
    execute ${literal(step.sql)};
  exception when integrity_constraint_violation then
    perform set_config('plinth.refused', sqlerrm, true);
  end`
  await connection.query(`select set_config('plinth.refused', '', true)`)
  await runSteps(connection, [{ sql: `do ${literal(block)}`, words: step.words }])
  const [answer] = await connection.query(`select current_setting('plinth.refused') as reason`)
  const reason = String(answer?.['reason'])
  return reason === '' ? undefined : `could not have ${step.words}, because rows that are there break it: ${reason}`
}
