import { uuidv7 } from 'uuidv7'
import type { Principal } from '../auth/principal.ts'
import { always, and, compare, isNull, type Condition, type Scalar } from '../condition/condition.ts'
import { problem, type InputFault } from '../errors/plinth-error.ts'
import { inputSchemas } from '../input/schemas.ts'
import { validateDraft } from '../input/validate.ts'
import { defaultSort, readSort } from '../list/sort.ts'
import { decodeRow } from '../output/print-row.ts'
import type { Platform } from '../platform/platform.ts'
import type { RawRow, Scope, Transaction } from '../ports/database.ts'
import { changedRow } from '../routes/resource/outcome.ts'
import type { AnyResourceTable, Row } from '../table/types.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { Context, ListRequest } from './context.ts'
import type { ResourceInfo } from './resource-info.ts'

const MOST_LISTED = 1_000

interface ContextParts {
  readonly platform: Platform
  readonly scope: Scope
  readonly transaction: Transaction
  readonly principal: Principal
  readonly tenant: Tenant
  /** The one row that an action's own permission covers, and what its changes are called. */
  readonly covered?: { readonly resource: ResourceInfo; readonly id: string; readonly event: string }
}

/** The `ctx` of actions, jobs and scripts: every operation asks the principal's permissions, as over HTTP. */
export function transactionContext(parts: ContextParts): Context {
  const { platform, scope, transaction, principal, tenant, covered } = parts
  const infoOf = (table: AnyResourceTable): ResourceInfo => {
    const resource = platform.registry.byTable.get(table as object)
    if (!resource)
      throw new Error('the table is no resource of this platform: add it to createPlinth({ resources: […] })')
    return resource
  }
  const may = (resource: ResourceInfo, verb: string): Condition =>
    principal.permissions.condition(platform.registry.permissions.numberOf(resource.name, verb)!)
  /** What may be seen and done of one row. @throws permission_denied */
  const reach = (
    resource: ResourceInfo,
    verb: string,
    id: string,
  ): { visible: Condition; allowed: Condition; event: string | undefined } => {
    if (covered?.resource === resource && covered.id === id)
      return { visible: always, allowed: always, event: covered.event }
    const allowed = may(resource, verb)
    if (allowed.kind === 'never')
      throw problem('permission_denied', { detail: `This needs the permission ${resource.name}:${verb}.` })
    const visible = may(resource, 'read')
    return { visible: visible.kind === 'never' ? allowed : visible, allowed, event: undefined }
  }
  const decode = <T extends AnyResourceTable>(resource: ResourceInfo, row: RawRow): Row<T> =>
    decodeRow(resource, row) as Row<T>

  return {
    principal,
    tenant,
    requestId: scope.requestId,
    log: platform.log.child({ requestId: scope.requestId }),
    now: () => scope.now,
    async create(table, draft) {
      const resource = infoOf(table)
      if (may(resource, 'create').kind === 'never') {
        throw problem('permission_denied', { detail: `This needs the permission ${resource.name}:create.` })
      }
      const values = validateDraft(resource, inputSchemas(resource).whole, draft as Record<string, unknown>)
      return decode(
        resource,
        await transaction.create({ resource, id: uuidv7(), ownerUserId: principal.userId, values }),
      )
    },
    async read(table, id) {
      const resource = infoOf(table)
      const { visible } = reach(resource, 'read', id)
      const row = await transaction.read({ resource, id, visible })
      if (!row) throw problem('not_found')
      return decode(resource, row)
    },
    async update(table, id, patch, options) {
      const resource = infoOf(table)
      const { visible, allowed, event } = reach(resource, 'update', id)
      const values = validateDraft(resource, inputSchemas(resource).part, patch as Record<string, unknown>)
      const operation = {
        resource,
        id,
        visible,
        allowed,
        ifVersion: options?.ifVersion,
        event: event ?? 'updated',
        values,
      }
      const result = values.size === 0 ? await transaction.probe(operation) : await transaction.update(operation)
      return decode(resource, changedRow(result, `${resource.name}:update`))
    },
    async delete(table, id, options) {
      const resource = infoOf(table)
      const { visible, allowed, event } = reach(resource, 'delete', id)
      const result = await transaction.delete({
        resource,
        id,
        visible,
        allowed,
        ifVersion: options?.ifVersion,
        event: event ?? 'deleted',
      })
      changedRow(result, `${resource.name}:delete`)
    },
    async list(table, request = {}) {
      const resource = infoOf(table)
      const visible = may(resource, 'read')
      const limit = request.limit ?? 100
      if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LISTED)
        throw new RangeError(`limit is a whole number from 1 to ${MOST_LISTED}`)
      const rows = await transaction.list({
        resource,
        where: and(visible, whereOf(resource, request)),
        sort: sortOf(resource, request),
        after: undefined,
        limit,
        offset: 0,
        fields: resource.fields,
      })
      return rows.map((row) => decode(resource, row))
    },
  }
}

function whereOf(resource: ResourceInfo, request: ListRequest<AnyResourceTable>): Condition {
  const parts = Object.entries((request.where ?? {}) as Readonly<Record<string, Scalar | Date | undefined>>)
  return and(
    ...parts.map(([key, value]) => {
      const field = resource.byKey.get(key)
      if (!field) throw new Error(`${resource.name} has no field ${key}`)
      if (value === undefined) throw new Error(`where.${key} is undefined; leave it out or say null`)
      return value === null ? isNull(key) : compare(key, 'eq', field.kind.toJson(value) as Scalar)
    }),
  )
}

function sortOf(resource: ResourceInfo, request: ListRequest<AnyResourceTable>): ReturnType<typeof defaultSort> {
  if (!request.sort) return defaultSort(resource)
  const faults: InputFault[] = []
  const sort = readSort(resource, request.sort.join(','), resource.fields, faults)
  if (faults[0]) throw new Error(faults[0].message)
  return sort
}
