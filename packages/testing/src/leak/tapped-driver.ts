import type { Connection, Driver, QueryOptions } from '@plinth/postgres/driver'

type Rows = Awaited<ReturnType<Connection['query']>>

/** A driver that a test can look into and tamper with while a platform uses it. */
export interface TappedDriver extends Driver {
  /** Where statements go; another login, once the platform has verified the first. */
  target: Driver
  /** Changes the text of each statement. Undefined: as it is. */
  rewrite: ((text: string) => string) | undefined
  /** Is told the text of each statement, before it is rewritten. */
  observe: ((text: string) => void) | undefined
  /** Changes the rows of each answer; is told the text as it was before it was rewritten. */
  answer: ((text: string, rows: Rows) => Rows) | undefined
  /** With a schema for each tenant: changes the search_path that a statement or transaction runs under. */
  repath: ((searchPath: string) => string | undefined) | undefined
}

/** Wraps a driver. Without `rewrite`, `observe`, `answer` and `repath` it does nothing. */
export function tappedDriver(target: Driver): TappedDriver {
  const query =
    (connection: Connection): Connection['query'] =>
    async (text, parameters, options) => {
      tapped.observe?.(text)
      const rows = await sent(connection, text, parameters, options)
      return tapped.answer?.(text, rows) ?? rows
    }
  const sent: (connection: Connection, ...statement: Parameters<Connection['query']>) => Promise<Rows> = (
    connection,
    text,
    parameters,
    options,
  ) => {
    const { repath } = tapped
    if (!repath) return connection.query(tapped.rewrite?.(text) ?? text, parameters, options)
    // A transaction sets its path by a statement, a statement of its own takes it along.
    if (text.includes(`set_config('search_path'`)) {
      const path = repath(String(parameters?.[0]))
      return path === undefined ? Promise.resolve([]) : connection.query(text, [path], options)
    }
    const { searchPath, ...rest }: QueryOptions = options ?? {}
    const path = searchPath === undefined ? undefined : repath(searchPath)
    const changed = path === undefined ? rest : { ...rest, searchPath: path }
    return connection.query(tapped.rewrite?.(text) ?? text, parameters, changed)
  }
  const tapped: TappedDriver = {
    kind: target.kind,
    target,
    rewrite: undefined,
    observe: undefined,
    answer: undefined,
    repath: undefined,
    query: (text, parameters, options) => query(tapped.target)(text, parameters, options),
    transaction: (work, place) =>
      tapped.target.transaction(
        (connection) =>
          work({
            query: query(connection),
            until: (work) => connection.until(work),
            last: (statements, onSent) =>
              connection.last(
                statements.map((one) => {
                  tapped.observe?.(one.text)
                  return { ...one, text: tapped.rewrite?.(one.text) ?? one.text }
                }),
                onSent,
              ),
          }),
        place,
      ),
    script: (text) => tapped.target.script(text),
    close: () => tapped.target.close(),
  }
  return tapped
}

// `p.tenant_id = $1::uuid`, `"crates"."tenant_id" = $1::uuid`, `p.tenant_id = (select $1::uuid)`; in brackets or not.
const tenantCondition = /(?:(?:\b\w+|"[^"]+")\.)?"?\btenant_id\b"? = (?:\$1::uuid|\(select \$1::uuid\))/g

/** How many conditions on the tenant a statement has. */
export function countTenantConditions(text: string): number {
  return text.match(tenantCondition)?.length ?? 0
}

/** Every condition on the tenant becomes true; $1 stays in the text, for PostgreSQL refuses a parameter that is not there. */
export function withoutTenantConditions(text: string): string {
  return text.replace(tenantCondition, () => '$1::uuid is not null')
}

/** Only the condition of this number (from 0) becomes true. */
export function withoutTenantCondition(text: string, number: number): string {
  let at = 0
  return text.replace(tenantCondition, (found) => (at++ === number ? '$1::uuid is not null' : found))
}
