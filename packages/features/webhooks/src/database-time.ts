import { givenTime, statement, type FixedStatement, type Platform } from '@plinth/core'

/** What time it is: by the clock of the database, as for whatever is to come; a platform that was given a clock goes by that. */
export function databaseTime(platform: Pick<Platform, 'clock'>): FixedStatement {
  return statement`coalesce(${givenTime(platform)}::text::timestamptz, statement_timestamp())`
}
