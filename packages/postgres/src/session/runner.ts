import { setTimeout as sleep } from 'node:timers/promises'
import { Unfinished, type TransactionPlace } from '@plinth/core'
import type { Connection, Driver, RawRow } from '../drivers/driver.ts'
import { classify } from '../errors/connection-trouble.ts'
import { withRetry } from '../errors/retry.ts'
import type { ShapeCache } from '../statements/shape-cache.ts'
import type { Printed } from '../statements/statement.ts'
import { translateError, type Operation, type Translation } from './translate-error.ts'

/** Runs printed statements and rejects with errors that a caller may see. */
export interface Runner {
  /** @param tries once where whoever asks knows better than to try the same again */
  run(statement: Printed, operation: Operation, tries?: 'once'): Promise<readonly RawRow[]>
}

/** A runner inside a transaction. */
export interface TransactionRunner extends Runner {
  /** As the last ones of a connection in a transaction: sent with COMMIT. Where the last of them divides by zero, it is {@link Unfinished}. */
  last(statements: readonly Printed[], onSent?: () => void): void
  /** As `until` of a connection in a transaction. */
  until(work: Promise<unknown>): void
}

export interface RunnerParts {
  readonly shapes: ShapeCache
  readonly translation: Translation
}

/** Tries in all. Whoever loses three times in a row meets a hot row, and waiting longer helps nobody. */
const ATTEMPTS = 3

/**
 * Each statement is its own transaction: what was rolled back by a deadlock is run again, a read also after its connection
 * was lost (once: two losses are no accident), a write only where it surely never reached the server.
 */
export function directRunner(connection: Connection, { shapes, translation }: RunnerParts): Runner {
  return {
    async run(statement, operation, tries) {
      const options = { prepare: shapes.admit(statement) }
      let losses = 0
      const mayRepeat = (): boolean => operation === 'read' && losses++ === 0
      try {
        return await withRetry(() => connection.query(statement.text, statement.parameters, options), {
          ...retrying,
          ...(tries === 'once' && { attempts: 1 }),
          mayRepeat,
        })
      } catch (error) {
        throw translateError(error, operation, translation)
      }
    },
  }
}

const retrying = { attempts: ATTEMPTS, random: Math.random, sleep: (milliseconds: number) => sleep(milliseconds) }

/**
 * Runs `work` in a transaction and repeats the whole of it when it lost against another transaction, or when nothing of it
 * can have been committed. An error of `work` itself is passed on as it is and never repeated: the ECONNREFUSED of a mail
 * server that an action talks to looks like one of the database.
 */
export async function inTransaction<T>(
  driver: Pick<Driver, 'transaction'>,
  { shapes, translation }: RunnerParts,
  work: (runner: TransactionRunner) => Promise<T>,
  place?: TransactionPlace,
): Promise<T> {
  const ours = new WeakSet<object>()
  const attempt = async (): Promise<{ readonly value: T } | { readonly thrown: unknown }> => {
    let thrown: { readonly error: unknown } | undefined
    try {
      const value = await driver.transaction(async (connection) => {
        const runner: TransactionRunner = {
          until: (work) => connection.until(work),
          last: (statements, onSent) =>
            connection.last(
              statements.map((statement) => ({
                text: statement.text,
                parameters: statement.parameters,
                options: { prepare: shapes.admit(statement) },
                explain: unfinished,
              })),
              onSent,
            ),
          async run(statement, operation) {
            try {
              return await connection.query(statement.text, statement.parameters, { prepare: shapes.admit(statement) })
            } catch (error) {
              const translated = translateError(error, operation, translation)
              if (typeof translated === 'object' && translated !== null) ours.add(translated)
              throw translated
            }
          },
        }
        try {
          return await work(runner)
        } catch (error) {
          thrown = { error }
          throw error
        }
      }, place)
      return { value }
    } catch (error) {
      if (thrown?.error === error && !comesFrom(error, ours)) return { thrown: error }
      throw error
    }
  }
  const done = await repeated(attempt, translation)
  if ('thrown' in done) throw done.thrown
  return done.value
}

const DIVISION_BY_ZERO = '22012'

function unfinished(error: unknown): unknown {
  return classify(error).code === DIVISION_BY_ZERO ? new Unfinished('It found no row', { cause: error }) : error
}

async function repeated<T>(attempt: () => Promise<T>, translation: Translation): Promise<T> {
  try {
    return await withRetry(attempt, { ...retrying, mayRepeat: () => false })
  } catch (error) {
    throw translateError(error, 'other', translation)
  }
}

function comesFrom(error: unknown, ours: WeakSet<object>): boolean {
  for (let one = error; typeof one === 'object' && one !== null; one = (one as { readonly cause?: unknown }).cause) {
    if (ours.has(one)) return true
  }
  return false
}
