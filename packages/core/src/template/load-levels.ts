import { oneOf } from '../condition/condition.ts'
import type { InputFault } from '../errors/plinth-error.ts'
import { isObject } from '../input/merge-patch.ts'
import type { RawRow, Session } from '../ports/database.ts'
import { pastReadingHooks } from '../resource/reading-hooks.ts'
import { fieldOf } from '../resource/resource-info.ts'
import { MOST_LEVELS, type Level, type Source, type Values } from './level.ts'
import type { TemplateLink } from './link.ts'

/** Where a row begins to inherit: a template of the tenant, one of the platform, or nowhere. */
export interface Origin {
  readonly template: string | null
  readonly shared: string | null
}

/** The templates above a row, topmost first, and why some of them could not be had. */
export interface Chain {
  readonly levels: readonly Level[]
  readonly missing: readonly InputFault[]
}

/** Ids in one statement. */
const MOST_AT_ONCE = 500

/**
 * The templates above many rows at once: one statement for each generation, however many rows there are. Whoever may read a
 * row may know what it resolves to, so the templates are read whoever asks; the tenant is the session's.
 */
export async function loadChains(
  link: TemplateLink,
  origins: readonly Origin[],
  session: Session,
): Promise<readonly Chain[]> {
  const rows = new Map<string, RawRow>()
  let wanted = unknownIds(
    origins.map((origin) => origin.template),
    rows,
  )
  for (let generation = 0; wanted.length > 0 && generation <= MOST_LEVELS; generation += 1) {
    const found = await readTemplates(link, wanted, pastReadingHooks(session))
    for (const row of found) rows.set(String(row.id), row)
    wanted = unknownIds(
      found.map((row) => textOrNull(row.parentTemplateId)),
      rows,
    )
  }
  return origins.map((origin) => chainOf(link, origin, rows))
}

async function readTemplates(link: TemplateLink, ids: readonly string[], session: Session): Promise<readonly RawRow[]> {
  const resource = link.template
  const id = fieldOf(resource, 'id')
  const fields = ['id', 'version', 'parentTemplateId', 'sharedParent', 'defaults'].map((key) => fieldOf(resource, key))
  const rows: RawRow[] = []
  for (let from = 0; from < ids.length; from += MOST_AT_ONCE) {
    const some = ids.slice(from, from + MOST_AT_ONCE)
    const where = oneOf('id', some)
    const sort = [{ field: id, descending: false }]
    rows.push(
      ...(await session.list({ resource, where, sort, after: undefined, limit: some.length, offset: 0, fields })),
    )
  }
  return rows
}

function unknownIds(ids: readonly (string | null)[], known: ReadonlyMap<string, RawRow>): readonly string[] {
  return [...new Set(ids)].filter((id): id is string => id !== null && !known.has(id))
}

function chainOf(link: TemplateLink, origin: Origin, rows: ReadonlyMap<string, RawRow>): Chain {
  const levels: Level[] = []
  const seen = new Set<string>()
  let { template, shared } = origin
  while (template !== null) {
    const row = rows.get(template)
    if (seen.has(template) || seen.size >= MOST_LEVELS) return { levels, missing: [unending] }
    if (!row) return { levels, missing: [gone] }
    seen.add(template)
    levels.unshift(levelOf(row, levels.length === 0 ? 'template' : 'parent'))
    shared = textOrNull(row.sharedParent)
    template = textOrNull(row.parentTemplateId)
  }
  if (shared === null) return { levels, missing: [] }
  const known = link.shared.get(shared)
  if (!known) return { levels, missing: [gone] }
  if (known.levels.length + levels.length > MOST_LEVELS) return { levels, missing: [unending] }
  return { levels: [...known.levels, ...levels], missing: [] }
}

const gone: InputFault = { path: '', code: 'template_missing', message: 'A template that this inherits from is gone' }
const unending: InputFault = {
  path: '',
  code: 'too_deep',
  message: `More than ${MOST_LEVELS} templates lie above this`,
}

/** The level of a stored template. Something else than an object can stand there only past this package; it says nothing. */
export function levelOf(row: RawRow, source: Source): Level {
  return { source, template: String(row.id), version: String(row.version), values: valuesOf(row.defaults) }
}

export function valuesOf(stored: unknown): Values {
  const value: unknown = typeof stored === 'string' ? JSON.parse(stored) : stored
  return isObject(value) ? value : {}
}

export function textOrNull(raw: unknown): string | null {
  return typeof raw === 'string' ? raw : null
}
