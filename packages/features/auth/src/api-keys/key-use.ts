import { statement, type FixedStatement } from '@plinth/core'

export function writeKeyUse(ids: readonly string[], times: readonly string[]): FixedStatement {
  return statement`
    update plinth.api_keys k set last_used_at = w.used
      from (select i::uuid as id, to_timestamp(t::float8 / 1000) as used
        from unnest(${ids}::text::text[], ${times}::text::text[]) u(i, t)) w
      where k.id = w.id and k.revoked_at is null and (k.last_used_at is null or k.last_used_at < w.used)`
}
