import { always, and, or, type Condition } from '../condition/condition.ts'
import { problem, type InputFault } from '../errors/plinth-error.ts'
import { closedView, namedFields, shownEverywhere, type FieldView } from '../fields/field-view.ts'
import { rowPrinter, type RowPrinter } from '../output/print-row.ts'
import type { SortKey } from '../ports/database.ts'
import { exportFormat, type ExportFormat } from '../export/format.ts'
import { readIncludes, type Includable, type Include } from '../include/read-includes.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import { filterableFields, readContains, readFilter } from './filter.ts'
import { defaultSort, readSort, sortableFields } from './sort.ts'

export const MOST_ROWS = 100
export const USUAL_ROWS = 20
/** Offset paging reads and throws away what it skips; beyond this, cursors are the way. */
const DEEPEST_OFFSET = 100_000

/** A list request, read and checked. */
export interface ListQuery {
  readonly where: Condition
  readonly sort: readonly SortKey[]
  readonly printer: RowPrinter
  readonly includes: readonly Include[]
  /** Undefined for a page of JSON. */
  readonly format: ExportFormat | undefined
  readonly limit: number
  /** Undefined on a cursor page. */
  readonly offset: number | undefined
  readonly page: number | undefined
  readonly cursor: string | undefined
  readonly countExactly: boolean
  /** Everything that a cursor is bound to, besides tenant and resource. */
  readonly binding: string
}

const ownParameters = ['format', 'page', 'pageSize', 'skip', 'limit', 'cursor', 'count', 'sort', 'fields', 'search']

/** What stands beside the query. */
export interface ListSurroundings {
  readonly includable?: ReadonlyMap<string, Includable>
  /** The header `Accept`. */
  readonly accept?: string | undefined
  /** Which restricted fields the asker reads; without it, none. */
  readonly view?: FieldView
}

/** What speaks of pages, and what would cost more with every batch: an order that no index serves, further statements. */
const notExported = ['page', 'pageSize', 'skip', 'limit', 'cursor', 'count', 'sort', 'include']

/**
 * Reads the query of a list. What is not declared is refused with what is allowed, never ignored: an ignored filter shows
 * more rows than were asked for.
 * @throws invalid_query
 */
export function readListQuery(
  resource: ResourceInfo,
  parameters: ReadonlyMap<string, string>,
  { includable = new Map(), accept, view = closedView(resource) }: ListSurroundings = {},
): ListQuery {
  const own = includable.size === 0 ? ownParameters : [...ownParameters, 'include']
  const faults: InputFault[] = []
  const filters: Condition[] = []
  const bound: string[] = []
  for (const [name, value] of parameters) {
    if (own.includes(name)) continue
    const before = faults.length
    const condition = readFilter(resource, view, name, value, faults)
    if (condition) {
      filters.push(condition)
      bound.push(`${name}=${value}`)
    } else if (faults.length === before) faults.push(unknownParameter(resource, view, own, name))
  }
  const format = exportFormat(accept, parameters.get('format'), faults)
  if (format) refuseInExport(parameters, faults)
  const paging = readPaging(parameters, faults)
  const sortText = parameters.get('sort')
  const sort =
    sortText === undefined
      ? defaultSort(resource)
      : readSort(resource, sortText, sortableFields(resource, view), faults)
  const { includes, ownFields } = readIncludes(includable, parameters, faults)
  const mask = readMask(view, ownFields, faults)
  const search = readSearch(resource, view, parameters.get('search'), faults)
  const count = parameters.get('count')
  if (count !== undefined && count !== 'exact')
    faults.push({ path: '?count', code: 'invalid_value', message: 'Expected exact' })
  if (faults.length > 0) throw problem('invalid_query', { errors: faults })
  return {
    where: and(...filters, search),
    sort,
    printer: rowPrinter(resource, view, mask),
    includes,
    format,
    ...paging,
    cursor: parameters.get('cursor'),
    countExactly: count === 'exact',
    binding: JSON.stringify([sortText ?? '', bound.sort(), parameters.get('search') ?? '', mask ?? [], view.key]),
  }
}

function refuseInExport(parameters: ReadonlyMap<string, string>, faults: InputFault[]): void {
  for (const name of notExported) {
    if (parameters.has(name))
      faults.push({
        path: `?${name}`,
        code: 'conflict',
        message: 'An export holds all rows that match, newest first, without pages and includes',
      })
  }
}

function unknownParameter(resource: ResourceInfo, view: FieldView, own: readonly string[], name: string): InputFault {
  const filters = filterableFields(resource, view).map((field) => field.key)
  return {
    path: `?${name.slice(0, 64)}`,
    code: 'unknown_parameter',
    message: `Allowed: ${own.join(', ')}; filters: ${filters.join(', ')}`,
  }
}

function readPaging(
  parameters: ReadonlyMap<string, string>,
  faults: InputFault[],
): Pick<ListQuery, 'limit' | 'offset' | 'page'> {
  const paged = parameters.has('page') || parameters.has('pageSize')
  const skipped = parameters.has('skip') || parameters.has('limit')
  if (paged && skipped)
    faults.push({ path: '?skip', code: 'conflict', message: 'Use page and pageSize, or skip and limit' })
  const limit = whole(parameters, skipped ? 'limit' : 'pageSize', USUAL_ROWS, 1, MOST_ROWS, faults)
  if (parameters.has('cursor')) {
    for (const name of ['page', 'skip'] as const) {
      if (parameters.has(name))
        faults.push({ path: `?${name}`, code: 'conflict', message: 'A cursor says where the page begins' })
    }
    return { limit, offset: undefined, page: undefined }
  }
  if (skipped) {
    const offset = whole(parameters, 'skip', 0, 0, DEEPEST_OFFSET, faults)
    return { limit, offset, page: Math.floor(offset / limit) + 1 }
  }
  const page = whole(parameters, 'page', 1, 1, Math.floor(DEEPEST_OFFSET / limit) + 1, faults)
  return { limit, offset: (page - 1) * limit, page }
}

/** Out of range is a fault, never clamped: a client that asks for 500 rows and gets 100 thinks that there are no more. */
function whole(
  parameters: ReadonlyMap<string, string>,
  name: string,
  usual: number,
  least: number,
  most: number,
  faults: InputFault[],
): number {
  const text = parameters.get(name)
  if (text === undefined) return usual
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  faults.push({ path: `?${name}`, code: 'out_of_range', message: `Expected a whole number from ${least} to ${most}` })
  return usual
}

/** Reads `fields=id,name`. @throws through `faults` */
export function readMask(
  view: FieldView,
  text: string | undefined,
  faults: InputFault[],
): readonly string[] | undefined {
  if (text === undefined) return undefined
  const allowed = namedFields(view)
  const names = text.split(',')
  const unknown = names.filter((name) => !allowed.includes(name))
  if (unknown.length === 0) return allowed.filter((name) => names.includes(name))
  faults.push({
    path: '?fields',
    code: 'unknown_field',
    message: `'${unknown[0]!.slice(0, 64)}' is no field; allowed: ${allowed.join(', ')}`,
  })
  return undefined
}

function readSearch(
  resource: ResourceInfo,
  view: FieldView,
  text: string | undefined,
  faults: InputFault[],
): Condition {
  if (text === undefined || text === '') return always
  const fields = resource.fields.filter((field) => field.search && shownEverywhere(view, field))
  if (fields.length === 0) {
    faults.push({ path: '?search', code: 'unknown_parameter', message: 'This resource has no field to search' })
    return always
  }
  const before = faults.length
  const parts = fields.flatMap((field) =>
    faults.length > before ? [] : (readContains(field.key, text, '?search', faults) ?? []),
  )
  return or(...parts)
}
