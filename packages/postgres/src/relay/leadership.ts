import type { Connection, Driver } from '../drivers/driver.ts'

/** Distinguishes our advisory lock from those of other software in the same database. */
const LEADER_LOCK = 7_305_512_207

const tryText = `select pg_try_advisory_xact_lock(${LEADER_LOCK}) as "leader"`

/**
 * Runs `work` as long as this process leads, and resolves at once with false where another one does. The lock belongs to a
 * transaction that is held open and does nothing else: it ends with the connection, however the process ends, and it works
 * behind PgBouncer in transaction mode, where a lock of the session would be left on a connection of somebody else. Idle, it
 * has neither a snapshot nor a transaction id, so it holds back no vacuum.
 *
 * @param work gets `check`, which rejects when the lock is lost; to be called before each batch, and more often than the
 *   server's limit for idle transactions (30 s)
 */
export function asLeader(driver: Driver, work: (check: () => Promise<void>) => Promise<void>): Promise<boolean> {
  return driver.transaction(async (connection: Connection) => {
    const [row] = await connection.query(tryText)
    if (row?.['leader'] !== true) return false
    await work(async () => {
      await connection.query('select 1')
    })
    return true
  })
}
