import type { CatalogTable } from '../catalog/catalog.ts'
import type { DeclaredTable } from '../catalog/declared-table.ts'
import { readTable } from '../catalog/read-catalog.ts'
import { sameExpression } from '../catalog/same-expression.ts'
import type { Connection } from '../drivers/driver.ts'
import { identifier } from '../statements/quote.ts'
import { behindUsing } from './compare-constraints.ts'
import type { Doubt } from './comparison.ts'
import { printCheck, printColumn, printIndex } from './print-table.ts'
import { runSteps } from './run-step.ts'

const shadow = `pg_temp.${identifier('plinth_declared')}`

/**
 * Lets PostgreSQL print the declared expressions and compares them with the live ones: it alone knows that `status in
 * ('a', 'b')` is `(status = ANY (ARRAY['a'::text, 'b'::text]))`. A temporary table is made as declared, read and dropped in
 * the migration's own transaction; nothing of it lasts.
 *
 * @returns the doubts that were right; undefined where this login may not make temporary tables
 */
export async function resolveDoubts(
  connection: Connection,
  doubts: readonly Doubt[],
): Promise<readonly Doubt[] | undefined> {
  if (doubts.length === 0) return []
  const [allowed] = await connection.query(`select has_database_privilege(current_database(), 'TEMP') as yes`)
  if (allowed?.['yes'] !== true) return undefined
  const right: Doubt[] = []
  for (const table of new Set(doubts.map((doubt) => doubt.table))) {
    const own = doubts.filter((doubt) => doubt.table === table)
    const printed = await printDeclared(connection, table, own)
    right.push(...own.filter((doubt) => !sameExpression(expressionOf(printed, doubt), doubt.live)))
  }
  return right
}

async function printDeclared(
  connection: Connection,
  table: DeclaredTable,
  doubts: readonly Doubt[],
): Promise<CatalogTable> {
  const doubted = (kind: Doubt['kind'], name: string): boolean =>
    doubts.some((doubt) => doubt.kind === kind && doubt.name === name)
  const columns = table.columns.map((column) => {
    if (doubted('default', column.name) || doubted('generated', column.name)) return printColumn(column)
    return `${identifier(column.name)} ${column.sqlType}`
  })
  const checks = table.checks.filter((check) => doubted('check', check.name)).map(printCheck)
  const words = `read the declared defaults, checks and indexes of ${table.name}`
  await runSteps(connection, [
    { sql: `create temporary table ${shadow} (${[...columns, ...checks].join(', ')})`, words },
    ...table.indexes
      .filter((index) => doubted('index', index.name))
      .map((index) => ({ sql: printIndex(shadow, index), words })),
  ])
  const printed = await readTable(connection, shadow)
  await runSteps(connection, [{ sql: `drop table ${shadow}`, words }])
  return printed
}

function expressionOf(printed: CatalogTable, doubt: Doubt): string {
  switch (doubt.kind) {
    case 'default':
    case 'generated':
      return printed.columns.find((column) => column.name === doubt.name)?.default ?? ''
    case 'check':
      return printed.constraints.find((one) => one.name === doubt.name)?.definition.replace(/^CHECK /, '') ?? ''
    case 'index':
      return behindUsing(printed.indexes.find((index) => index.name === doubt.name)?.definition ?? '')
  }
}
