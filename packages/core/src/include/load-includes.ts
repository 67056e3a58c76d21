import type { Condition } from '../condition/condition.ts'
import type { Link } from '../link/link.ts'
import { MOST_CHARACTERS, refuseTooLarge } from '../output/page-size.ts'
import { RELATED_TO, type RawRow, type Session, type Ties } from '../ports/database.ts'
import type { FieldInfo } from '../resource/resource-info.ts'
import { printResolved, resolvedFrom } from '../template/print-resolved.ts'
import type { Include } from './read-includes.ts'

/** Rows of one to-many include that an answer holds in all, and that one row of it has at most. */
const MOST_IN_ALL = 1_000
export const MOST_OF_ONE = 100

/** How many children a row shows when a page may have this many rows: the page decides, so that all its rows are alike. */
export function childrenShown(pageSize: number): number {
  return Math.min(MOST_OF_ONE, Math.floor(MOST_IN_ALL / pageSize))
}

/** The columns that a list must read so that the parents of its rows can be found. */
export function withReferences(fields: readonly FieldInfo[], includes: readonly Include[]): readonly FieldInfo[] {
  const missing = includes.flatMap(({ relation }) => {
    const needed =
      relation.kind === 'one' ? [relation.field] : relation.kind === 'resolved' ? resolvedFrom(relation.target) : []
    return needed.filter((field) => !fields.includes(field))
  })
  return missing.length === 0 ? fields : [...fields, ...missing]
}

/**
 * Reads what is included, one statement for each include however many rows there are, and prints it behind each row.
 * @returns the printer of a row: `{"id":…}` → `{"id":…,"site":{…},"monitors":{"data":[…],"hasMore":false}}`
 */
export async function loadIncludes(
  session: Session,
  includes: readonly Include[],
  rows: readonly RawRow[],
  pageSize: number,
): Promise<(row: RawRow, printed: string) => string> {
  const tails: ((row: RawRow) => string)[] = []
  // One after the other: a request that took a connection for each include could starve the others of theirs.
  for (const include of includes) tails.push(await load(session, include, rows, childrenShown(pageSize)))
  return (row, printed) => {
    let text = printed.slice(0, -1)
    for (const tail of tails) text += `${text === '{' ? '' : ','}${tail(row)}`
    return `${text}}`
  }
}

async function load(
  session: Session,
  { relation, visible, view, ties, printer }: Include,
  rows: readonly RawRow[],
  shown: number,
): Promise<(row: RawRow) => string> {
  if (relation.kind === 'resolved') return printResolved(relation.link, relation.target, rows, session)
  const { kind, target } = relation
  const label = `${JSON.stringify(relation.name)}:`
  const key = kind === 'one' ? relation.field.key : 'id'
  const keyOf = (row: RawRow): string => String(row[key])
  // A reference may be null.
  const keys = [...new Set(rows.filter((row) => typeof row[key] !== 'object').map(keyOf))]
  const common = { resource: target, where: visible, keys, fields: printer.fields, view }
  const found =
    keys.length === 0
      ? []
      : await session.related(
          // One more than is shown says whether there are more.
          kind === 'one'
            ? { ...common, by: 'id' }
            : { ...common, by: kind === 'many' ? relation.field : tiesOf(relation.link, ties!), limit: shown + 1 },
        )
  let size = 0
  const printOne = (row: RawRow): string => {
    const text = printer.print(row)
    size += text.length
    if (size > MOST_CHARACTERS) refuseTooLarge()
    return text
  }
  if (kind === 'one') {
    const byId = new Map(found.map((row) => [String(row[RELATED_TO]), printOne(row)]))
    // Ids are unique in a tenant: another row of the same id would be another tenant's.
    if (byId.size < found.length) throw new Error(`${target.name}: two rows have one id`)
    return (row) => label + (byId.get(keyOf(row)) ?? 'null')
  }
  const byParent = new Map<string, string[]>()
  for (const row of found) {
    const parent = String(row[RELATED_TO])
    const siblings = byParent.get(parent)
    if (siblings) siblings.push(printOne(row))
    else byParent.set(parent, [printOne(row)])
  }
  return (row) => {
    const texts = byParent.get(keyOf(row)) ?? []
    return `${label}{"data":[${texts.slice(0, shown).join()}],"hasMore":${texts.length > shown}}`
  }
}

function tiesOf({ through, near, far }: Link, where: Condition): Ties {
  return { through, near, far, where }
}
