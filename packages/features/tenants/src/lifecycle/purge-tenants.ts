import { statement, type FeatureCommand, type FixedStatement, type Platform } from '@plinth/core'

/** Rows a statement: a delete of millions would hold its locks for minutes. */
const ROWS = 5_000
/** Statements a round. A tenant of a hundred thousand rows is gone after one or two. */
const STATEMENTS = 20

function purge({ registry }: Platform, now: Date): FixedStatement {
  const announce = registry.listened.has('tenant.deleted')
  return statement`select plinth.purge_tenants(${now}::text::timestamptz, ${announce}::boolean, ${ROWS}::int) as gone`
}

/** What removes tenants whose days of grace are over; where there is none, each statement is one look at an index. */
export function purgeStatements(platform: Platform | undefined, now: Date): readonly FixedStatement[] {
  return platform ? Array.from({ length: STATEMENTS }, () => purge(platform, now)) : []
}

/** `plinth tenants:purge`: the same, now and to the end. */
export const purgeCommand: FeatureCommand = {
  name: 'tenants:purge',
  summary: 'remove tenants whose days of grace are over, with all their rows',
  options: {},
  async run(platform) {
    let rows = 0
    for (;;) {
      const [row] = await platform.database.system((system) => {
        system.changesMembers()
        return system.run(purge(platform, platform.clock.now()))
      })
      const gone = Number(row?.['gone'] ?? 0)
      if (gone === 0) return { rows }
      rows += gone
    }
  },
}
