import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'

const LOOK_MS = 100
const LONGEST_MS = 120_000

/**
 * Waits until the relay has handed on every event of a database.
 * @throws where it takes two minutes: then it cannot keep up, and no figure would be true
 */
export async function noEventsLeft(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, idle_timeout: 1 })
  try {
    for (const startedAt = performance.now(); ; await sleep(LOOK_MS)) {
      const left = await sql`select 1 from plinth.events where delivered_at is null limit 1`
      if (left.length === 0) return
      if (performance.now() - startedAt > LONGEST_MS)
        throw new Error('the relay did not hand on its events in two minutes')
    }
  } finally {
    await sql.end()
  }
}
