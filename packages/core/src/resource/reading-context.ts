import type { Principal } from '../auth/principal.ts'
import { always, and, compare, isNull, type Condition, type Scalar } from '../condition/condition.ts'
import { problem, type InputFault } from '../errors/plinth-error.ts'
import { fieldView, markShown, openView, shownEverywhere, type FieldView } from '../fields/field-view.ts'
import { defaultSort, readSort } from '../list/sort.ts'
import { decodeRow } from '../output/print-row.ts'
import type { Platform } from '../platform/platform.ts'
import { can } from '../policy/can.ts'
import { visibleTo } from '../policy/visible-to.ts'
import type { RawRow, Scope, Session } from '../ports/database.ts'
import { traceIdOf } from '../request/request-id.ts'
import type { AnyResourceTable, Row } from '../table/types.ts'
import type { ParamsOf } from '../template/facts.ts'
import type { TemplateLink } from '../template/link.ts'
import { resolvedValue, resolveRows } from '../template/resolve-rows.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { ListRequest, ReadingContext } from './context.ts'
import { withReadingHooks } from './reading-hooks.ts'
import type { FieldInfo, ResourceInfo } from './resource-info.ts'

const MOST_LISTED = 1_000

/** Whose context it is, and through what it reads. */
export interface ReadingParts {
  readonly platform: Platform
  readonly scope: Scope
  readonly session: Session
  readonly principal: Principal
  readonly tenant: Tenant
  /** The one row that an action's own permission covers. */
  readonly covered?: CoveredRow
  /** How many hooks of reads led here. */
  readonly readingDepth?: number
}

export interface CoveredRow {
  readonly resource: ResourceInfo
  readonly id: string
  /** What changes of this row are called in records and events: the action. */
  readonly event: string
  /** Told of every such change. */
  readonly onChange: () => void
}

/** What the principal may see and do of one row. */
export interface Reach {
  readonly visible: Condition
  readonly allowed: Condition
  readonly covered: CoveredRow | undefined
}

export function resourceOf(platform: Platform, table: AnyResourceTable): ResourceInfo {
  const resource = platform.registry.byTable.get(table as object)
  if (resource) return resource
  throw new Error('the table is no resource of this platform: add it to createPlinth({ resources: […] })')
}

export function permitted({ platform, principal }: ReadingParts, resource: ResourceInfo, verb: string): Condition {
  return principal.permissions.condition(platform.registry.permissions.numberOf(resource.name, verb)!)
}

/** @throws permission_denied where the principal may do this on no row */
export function reach(parts: ReadingParts, resource: ResourceInfo, verb: string, id: string): Reach {
  const { covered } = parts
  if (covered?.resource === resource && covered.id === id) return { visible: always, allowed: always, covered }
  const allowed = permitted(parts, resource, verb)
  if (allowed.kind === 'never') {
    const asked = `${resource.name}:${verb}`
    throw problem('permission_denied', { detail: `This needs the permission ${asked}.`, asked })
  }
  const reading = parts.platform.registry.permissions.numberOf(resource.name, 'read')!
  return { visible: visibleTo(parts.principal.permissions, reading, allowed), allowed, covered: undefined }
}

/** What of the fields is shown to code; of the row that the action's permission covers, all. */
export function viewOf(parts: ReadingParts, resource: ResourceInfo, id?: string): FieldView {
  const { covered, platform, principal } = parts
  if (id !== undefined && covered?.resource === resource && covered.id === id) return openView(resource)
  return fieldView(platform.registry, principal, resource)
}

export function decode<T extends AnyResourceTable>(resource: ResourceInfo, row: RawRow, view: FieldView): Row<T> {
  return decodeRow(resource, row, view) as Row<T>
}

/** The same of a row that a write gave back, which is whole. */
export async function decodeWritten<T extends AnyResourceTable>(
  parts: ReadingParts,
  resource: ResourceInfo,
  row: RawRow,
): Promise<Row<T>> {
  const view = viewOf(parts, resource, String(row.id))
  const [marked = row] = await markShown(parts.session, view, resource, [row], parts.scope.facts)
  return decode(resource, marked, view)
}

/** A context that reads: every read asks the principal's permissions, as over HTTP. */
export function readingContext(parts: ReadingParts): ReadingContext {
  const { platform, scope, principal, tenant } = parts
  const session = withReadingHooks(parts, readingContext)
  return {
    principal,
    tenant,
    requestId: scope.requestId,
    traceparent: scope.traceparent,
    log: platform.log.child(correlationOf(scope)),
    now: () => scope.now,
    can: (permission) => can(platform.registry.permissions, principal, permission),
    async read(table, id) {
      const resource = resourceOf(platform, table)
      const view = viewOf(parts, resource, id)
      const row = await session.read({ resource, id, visible: reach(parts, resource, 'read', id).visible, view })
      if (!row) throw problem('not_found')
      return decode(resource, row, view)
    },
    async list(table, request = {}) {
      const resource = resourceOf(platform, table)
      const limit = request.limit ?? 100
      if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LISTED) {
        throw new RangeError(`limit is a whole number from 1 to ${MOST_LISTED}`)
      }
      const view = viewOf(parts, resource)
      const rows = await session.list({
        resource,
        where: and(permitted(parts, resource, 'read'), whereOf(resource, view, request)),
        sort: sortOf(resource, view, request),
        after: undefined,
        limit,
        offset: 0,
        fields: resource.fields,
        view,
      })
      return rows.map((row) => decode(resource, row, view))
    },
    async resolve(table, row) {
      const [resolution] = await resolveRows(linkOf(platform, table), [row as unknown as RawRow], session)
      return resolvedValue(resolution!) as ParamsOf<typeof table>
    },
    async resolveEach(table, rows) {
      const resolutions = await resolveRows(linkOf(platform, table), rows as unknown as readonly RawRow[], session)
      return resolutions.map((resolution) => resolvedValue(resolution) as ParamsOf<typeof table>)
    },
  }
}

/** The templates of a table whose rows come from some. */
/** What its log lines have in common with those of the request. */
function correlationOf({ requestId, traceparent }: Scope): Readonly<Record<string, string>> {
  const traceId = traceIdOf(traceparent)
  return traceId === undefined ? { requestId } : { requestId, traceId }
}

export function linkOf(platform: Platform, table: AnyResourceTable): TemplateLink {
  const link = platform.registry.templates.ofInstance.get(resourceOf(platform, table))
  if (link) return link
  throw new Error('rows of this table come from no template: say template: { params } in its resource')
}

function whereOf(resource: ResourceInfo, view: FieldView, request: ListRequest<AnyResourceTable>): Condition {
  const parts = Object.entries((request.where ?? {}) as Readonly<Record<string, Scalar | Date | undefined>>)
  return and(
    ...parts.map(([key, value]) => {
      const field = resource.byKey.get(key)
      if (!field) throw new Error(`${resource.name} has no field ${key}`)
      refuseWithheld(view, field)
      if (value === undefined) throw new Error(`where.${key} is undefined; leave it out or say null`)
      return value === null ? isNull(key) : compare(key, 'eq', field.kind.toJson(value) as Scalar)
    }),
  )
}

/**
 * Which rows a filter leaves, and in which order they come, tells what is in a field: code that asks in somebody's name is refused as he
 * would be himself.
 * @throws invalid_query
 */
function refuseWithheld(view: FieldView, field: FieldInfo): void {
  if (shownEverywhere(view, field)) return
  const message = `${field.key} is not shown on every row, so no list is filtered or sorted by it`
  throw problem('invalid_query', { errors: [{ path: `?${field.key}`, code: 'unknown_field', message }] })
}

function sortOf(
  resource: ResourceInfo,
  view: FieldView,
  request: ListRequest<AnyResourceTable>,
): ReturnType<typeof defaultSort> {
  if (!request.sort) return defaultSort(resource)
  const faults: InputFault[] = []
  const sort = readSort(resource, request.sort.join(','), resource.fields, faults)
  if (faults[0]) throw new Error(faults[0].message)
  for (const { field } of sort) refuseWithheld(view, field)
  return sort
}
