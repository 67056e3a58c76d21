import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/packages.mjs'
import type { Case } from './case.ts'

const file = join(root, 'docs/adapters.md')
const block = /(<!-- conformance:begin[^>]*-->\n)([\s\S]*?)(\n<!-- conformance:end -->)/

/** Markdown, in columns, as the formatter would have it. */
export function printTable(
  cases: readonly Case[],
  names: readonly string[],
  cell: (title: string, name: string) => string,
): string {
  const rows = [['case', ...names], ...cases.map(({ title }) => [title, ...names.map((name) => cell(title, name))])]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((one, column) => one.padEnd(widths[column]!)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n')
}

export function committedTable(): string {
  return block.exec(readFileSync(file, 'utf8'))?.[2]?.trim() ?? ''
}

export function writeTable(table: string): void {
  const whole = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    whole.replace(block, (_, begin: string, __, end: string) => `${begin}\n${table}\n${end}`),
  )
}
