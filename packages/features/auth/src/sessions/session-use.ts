import { statement, type FixedStatement } from '@plinth/core'

/** The last use of sessions also moves their idle end, never beyond the absolute one. */
export function writeSessionUse(
  idleSeconds: number,
): (ids: readonly string[], times: readonly string[]) => FixedStatement {
  return (ids, times) => statement`
    update plinth.sessions s
      set last_seen_at = w.seen, expires_at = least(s.ends_at, w.seen + make_interval(secs => ${idleSeconds}::float8))
      from (select i::uuid as id, to_timestamp(t::float8 / 1000) as seen
        from unnest(${ids}::text::text[], ${times}::text::text[]) u(i, t)) w
      where s.id = w.id and s.ended_at is null and s.last_seen_at < w.seen`
}
