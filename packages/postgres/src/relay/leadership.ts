import { createHash } from 'node:crypto'
import type { Connection, Driver } from '../drivers/driver.ts'

/** Distinguishes our advisory locks from those of other software in the same database. */
const LEADER_LOCK = 7_305_512_207

const tryText = `select pg_try_advisory_xact_lock(${LEADER_LOCK} + $1::int) as "leader"`

/** Each name has a lock of its own; the relay's is the first. */
function numberOf(name: string): number {
  return name === '' ? 0 : 1 + (createHash('sha256').update(name).digest().readUInt32BE() % 1_000_000_000)
}

/**
 * Runs `work` as long as this process leads, and resolves at once with false where another one does. The lock belongs to a
 * transaction that is held open and does nothing else: it ends with the connection, however the process ends, and it works
 * behind PgBouncer in transaction mode, where a lock of the session would be left on a connection of somebody else. Idle, it
 * has neither a snapshot nor a transaction id, so it holds back no vacuum.
 *
 * @param work gets `check`, which rejects when the lock is lost; to be called before each batch, and more often than the
 *   server's limit for idle transactions (30 s)
 */
export async function asLeader(
  driver: Driver,
  work: (check: () => Promise<void>) => Promise<void>,
  { name = '', closing = () => false }: { readonly name?: string; readonly closing?: () => boolean } = {},
): Promise<boolean> {
  // Closing waits for the transaction that holds the lock: whoever leads ends before his next step.
  const open = (): void => {
    if (closing()) throw new Error('the database is being closed')
  }
  open()
  // One process, one session: the embedded database has no second reader, and an open transaction would block it.
  if (driver.kind === 'pglite') {
    await work(() => Promise.resolve(open()))
    return true
  }
  return driver.transaction(async (connection: Connection) => {
    const [row] = await connection.query(tryText, [numberOf(name)])
    if (row?.['leader'] !== true) return false
    await work(async () => {
      open()
      await connection.query('select 1')
    })
    return true
  })
}
