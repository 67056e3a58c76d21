import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, Driver } from '../drivers/driver.ts'

/** Any number that nobody else locks; advisory locks are of one database. */
const migrationLock = 7_041_776_401
const attempts = 12

/**
 * One step of a migration: a transaction that holds the migration lock to its end. Two processes that start at once go
 * through the steps one behind the other, and each step looks again at what is there before it does anything. A lock for the
 * whole migration would need a session of its own, which PgBouncer in transaction mode does not give, and PGlite has one only.
 *
 * Runs at READ COMMITTED whatever the default is: what another process committed while this one waited must be seen.
 * DDL waits 5 s at most for a table: it queues before every later query of that table, so one long report plus one waiting
 * ALTER TABLE stop the product. After that it starts again, a few times.
 *
 * @param work must not depend on an earlier, rolled-back run of itself: it is repeated after deadlocks and lost races
 */
export async function lockedTransaction<T>(driver: Driver, work: (connection: Connection) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await driver.transaction(async (connection) => {
        await connection.query('set transaction isolation level read committed')
        // Whoever is first may take minutes over an index; waiting for him is right.
        await connection.query(
          `select set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)`,
        )
        await connection.query(`select pg_advisory_xact_lock($1::int8)`, [migrationLock])
        // What this session looked up before it waited ("there is no schema plinth") is still in its caches; it learns what
        // others committed when it next locks a relation. Without this, to_regclass and has_…_privilege answered from before
        // (seen: two of five processes both ran the first migration, the second failed with 42P07).
        await connection.query('select from pg_catalog.pg_namespace limit 1')
        await connection.query(`select set_config('lock_timeout', '5s', true)`)
        return await work(connection)
      })
    } catch (error) {
      if (attempt >= attempts || !isLostRace(error)) throw error
    }
    // The whole delay is random: those who met once would otherwise meet again.
    await sleep(Math.random() * Math.min(2_000, 25 * 2 ** attempt))
  }
}

/**
 * Errors that mean "somebody else was faster". Roles belong to the cluster and the advisory lock to one database, so
 * migrations of two databases do meet in pg_authid and pg_auth_members: the loser gets 42710, 23505 or, for an ALTER ROLE or
 * GRANT of the same row, XX000 (all three seen with 5 databases at once).
 */
function isLostRace(error: unknown): boolean {
  const state = sqlState(error)
  if (state === '40001' || state === '40P01' || state === '55P03') return true
  const message = messages(error)
  if (state === 'XX000') return /tuple concurrently (updated|deleted)/.test(message)
  if (state === '42710') return /role "/.test(message)
  return state === '23505' && /"pg_\w+_index"/.test(message)
}

/** The SQLSTATE of an error of either client, looking through `cause`; '' where there is none. */
export function sqlState(error: unknown): string {
  for (
    let one: unknown = error;
    typeof one === 'object' && one !== null;
    one = (one as { readonly cause?: unknown }).cause
  ) {
    const { code } = one as { readonly code?: unknown }
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code
  }
  return ''
}

function messages(error: unknown): string {
  const all: string[] = []
  for (let one: unknown = error; one instanceof Error; one = one.cause) all.push(one.message)
  return all.join('\n')
}
