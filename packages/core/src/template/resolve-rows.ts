import { problem } from '../errors/plinth-error.ts'
import type { RawRow, Session } from '../ports/database.ts'
import { readPin, type Level } from './level.ts'
import type { TemplateLink } from './link.ts'
import { levelOf, loadChains, textOrNull, valuesOf, type Chain, type Origin } from './load-levels.ts'
import { resolveLevels, type Resolution } from './resolve.ts'

/** What rows of a templated resource come to, in their order; however many there are, a statement for each generation above them. */
export async function resolveRows(
  link: TemplateLink,
  rows: readonly RawRow[],
  session: Session,
): Promise<readonly Resolution[]> {
  const pins = rows.map((row) => (row.inheritance === 'pinned' ? pinOf(row) : undefined))
  const chains = await loadChains(
    link,
    rows.map((row, at) => (pins[at] ? nowhere : originOf(row))),
    session,
  )
  return rows.map((row, at) => {
    const { levels, missing } = pins[at] ?? chains[at]!
    return resolveLevels(link.params, [...levels, ownLevel(row)], missing)
  })
}

/** What a pinned row would come to now. */
export async function resolveLive(link: TemplateLink, row: RawRow, session: Session): Promise<Resolution> {
  const [{ levels, missing } = nothing] = await loadChains(link, [originOf(row)], session)
  return resolveLevels(link.params, [...levels, ownLevel(row)], missing)
}

/** What templates say together with what lies above each. They need not be complete, so the schema has no say. */
export async function resolveTemplates(
  link: TemplateLink,
  rows: readonly RawRow[],
  session: Session,
): Promise<readonly Resolution[]> {
  const parentOf = (row: RawRow): Origin => {
    return { template: textOrNull(row.parentTemplateId), shared: textOrNull(row.sharedParent) }
  }
  const chains = await loadChains(link, rows.map(parentOf), session)
  return rows.map((row, at) => {
    const { levels, missing } = chains[at]!
    const above = levels.map((level): Level => (level.source === 'template' ? { ...level, source: 'parent' } : level))
    return resolveLevels(undefined, [...above, levelOf(row, 'template')], missing)
  })
}

/** @throws params_unresolved */
export function resolvedValue({ value, faults }: Resolution): Resolution['value'] {
  if (faults.length > 0) throw problem('params_unresolved', { errors: faults })
  return value
}

const nothing: Chain = { levels: [], missing: [] }
const nowhere: Origin = { template: null, shared: null }

function originOf(row: RawRow): Origin {
  return { template: textOrNull(row.templateId), shared: textOrNull(row.sharedTemplate) }
}

function ownLevel(row: RawRow): Level {
  return { source: 'instance', template: null, version: String(row.version), values: valuesOf(row.params) }
}

function pinOf(row: RawRow): Chain {
  const levels = readPin(row.pinnedLevels)
  return levels ? { levels, missing: [] } : { levels: [], missing: [unreadable] }
}

const unreadable = { path: '', code: 'pin_unreadable', message: 'What this row was pinned to cannot be read' }
