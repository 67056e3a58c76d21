import { StartupError } from '@plinth/core'
import { classify } from './connection-trouble.ts'

/** A database that cannot be reached at start is a fault in words, not a stack. */
export async function reaching<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof StartupError || classify(error).kind !== 'connection') throw error
    const words = error instanceof Error ? error.message : String(error)
    const fix = 'start PostgreSQL there, or mend the URL'
    throw new StartupError([{ path: 'DATABASE_OWNER_URL', problem: `cannot be reached: ${words}`, fix }])
  }
}
