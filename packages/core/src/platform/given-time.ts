import { systemClock } from '../ports/clock.ts'
import type { Platform } from './platform.ts'

/**
 * What a platform that was given a clock (a test, a replay) says that time it is; null for every other one: it goes by the clock of the server,
 * for the clocks of its processes differ, by days where one is wrong. In statements: `coalesce(given, statement_timestamp())`.
 */
export function givenTime({ clock }: Pick<Platform, 'clock'>): Date | null {
  return clock === systemClock ? null : clock.now()
}
