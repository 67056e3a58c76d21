import { statement } from '@plinth/core'

/**
 * The column `occurred_at` as a text that stands for one time alone. `to_char` prints 2026 BC as it prints 2026, and of infinity nothing: an
 * entry that somebody moved there would have its old content, and no `since` would find it. Times that the book takes, of the years 1 to
 * 9999, are printed as ever.
 */
export const storedTime = statement`coalesce(
  to_char(occurred_at at time zone 'UTC', case when occurred_at < '0001-01-01T00:00:00Z'
    then 'YYYY-MM-DD"T"HH24:MI:SS.US"Z BC"' else 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' end), occurred_at::text)`
