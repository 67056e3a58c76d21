import { MOST_CHARACTERS, refuseTooLarge } from '../output/page-size.ts'
import type { RawRow, Session } from '../ports/database.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import type { TemplateLink } from './link.ts'
import { resolveRows, resolveTemplates } from './resolve-rows.ts'

const ofInstances = ['templateId', 'sharedTemplate', 'params', 'inheritance', 'pinnedLevels']
const ofTemplates = ['parentTemplateId', 'sharedParent', 'defaults']
const needed = new Set([...ofInstances, ...ofTemplates])

/** The columns that a list must read so that its rows can be resolved. */
export function resolvedFrom(resource: ResourceInfo): readonly FieldInfo[] {
  return resource.fields.filter((field) => needed.has(field.key))
}

/** What `include=resolved` prints behind each of these rows: a statement for each generation of templates above them all. */
export async function printResolved(
  link: TemplateLink,
  resource: ResourceInfo,
  rows: readonly RawRow[],
  session: Session,
): Promise<(row: RawRow) => string> {
  const resolve = resource === link.template ? resolveTemplates : resolveRows
  const texts = new Map<string, string>()
  let size = 0
  for (const [at, { value, faults }] of (await resolve(link, rows, session)).entries()) {
    const text = `"resolved":${JSON.stringify({ value, faults })}`
    size += text.length
    if (size > MOST_CHARACTERS) refuseTooLarge()
    texts.set(String(rows[at]!.id), text)
  }
  return (row) => texts.get(String(row.id))!
}
