import { createHash } from 'node:crypto'
import { always, type Condition, type Facts } from '../condition/condition.ts'
import { listedIn } from '../condition/settle-listed.ts'
import { problem } from '../errors/plinth-error.ts'
import { fieldView, shownOn, type FieldView } from '../fields/field-view.ts'
import type { Platform } from '../platform/platform.ts'
import { visibleTo } from '../policy/visible-to.ts'
import type { RawRow, Transaction } from '../ports/database.ts'
import { fieldOf, type ResourceInfo } from '../resource/resource-info.ts'
import { isUuid } from '../resource/row-id.ts'
import type { TextAnswer } from './answer.ts'
import type { Authorized } from './policy.ts'
import type { InTenant } from './tenant.ts'

/** What is asked before an answer that was kept is given once more. */
export interface AnswerGuard {
  /** Which rows whoever asks sees, as one text. Kept beside the answer. */
  readonly reach: string
  /**
   * @param before the reach of when the answer was kept
   * @throws not_found, answer_not_repeatable
   */
  refuse(transaction: Transaction, answer: TextAnswer, before: string | undefined): Promise<void>
}

/**
 * A kept answer shows rows as they were, so it is given only to who may still see them: for him who was denied one since, it is as gone
 * as it is for his GET. That he may do this at all was asked before. What he may do with the row by now is not asked: the request may
 * itself have taken that away (who closes what is open may not close it again), and what he is given he reads anyway.
 *
 * No statement where he sees all of every row, else one.
 */
export function answerGuard(platform: Platform, { request, ...authorized }: Authorized, facts: Facts): AnswerGuard {
  const { route, principal } = request
  const resource = route.guarded ?? route.resource
  const reading = platform.registry.permissions.numberOf(resource.name, 'read')
  const visible =
    resource === route.resource || reading === undefined
      ? authorized.visible
      : visibleTo(principal.permissions, reading, authorized.allowed)
  const reach = reachOf(visible, facts)
  return {
    reach,
    async refuse(transaction, answer, before) {
      if (answer.body === null) return
      const view = fieldView(platform.registry, principal, resource)
      if (visible.kind === 'always' && view.perRow.size === 0) return
      const base = `/api/v1/${resource.path}/`
      const shown = rowsIn(answer, route.path === `${base}bulk`)
      const named = route.path === `${base}bulk` ? shown.keys() : namedBy(platform, request, base, answer)
      const ids = new Set(named)
      if (ids.size === 0) return
      const asked = { resource, by: 'id' } as const
      const seen = await transaction.related({ ...asked, keys: [...ids], where: visible, fields: view.fields, view })
      for (const row of seen) {
        const id = String(row['id'])
        ids.delete(id)
        refuseFields(resource, view, row, shown.get(id))
      }
      if (ids.size === 0) return
      // A row that is gone can be asked nothing. Who sees by the rule by which he saw it then was denied nothing; but what the ACL said of
      // the row went with it.
      const hidden = await transaction.related({ ...asked, keys: [...ids], where: always, fields: [] })
      if (hidden.length === 0 && before === reach && listedIn(visible).length === 0) return
      // As for any request about this row; of one that was made by it, he knows that it was.
      throw ids.has(printed(request.parameters['id'] ?? '')) ? problem('not_found') : notRepeatable()
    },
  }
}

function reachOf(visible: Condition, { groupIds }: Facts): string {
  return createHash('sha256')
    .update(JSON.stringify([visible, [...groupIds].sort()]))
    .digest('base64url')
}

type Shown = Readonly<Record<string, unknown>>

/** @throws answer_not_repeatable where the answer holds a field that he does not read on this row by now */
function refuseFields(resource: ResourceInfo, view: FieldView, row: RawRow, shown: Shown | undefined): void {
  for (const key of view.perRow.keys())
    if (shown && Object.hasOwn(shown, key) && !shownOn(view, fieldOf(resource, key), row)) throw notRepeatable()
}

function notRepeatable(): Error {
  return problem('answer_not_repeatable', { detail: 'It was carried out; what you may read of it has changed since.' })
}

/** A uuid is found in any case, and printed in small letters. */
function printed(id: string): string {
  return isUuid(id) ? id.toLowerCase() : id
}

/** The row that the path names, and the one that was made. */
function namedBy(
  { basePath }: Platform,
  { route, parameters }: InTenant,
  base: string,
  { headers }: TextAnswer,
): readonly string[] {
  const named = route.path.startsWith(`${base}:id`) ? parameters['id'] : undefined
  const { location } = headers
  const made = location?.startsWith(basePath + base) ? location.slice((basePath + base).length) : undefined
  return [named, made].flatMap((id) => (id === undefined ? [] : [printed(id)]))
}

/** The rows that a bulk shows, by their ids; of another answer, the row that it is. */
function rowsIn({ body, headers }: TextAnswer, bulk: boolean): ReadonlyMap<string, Shown> {
  if (body === null || headers['content-type'] !== 'application/json') return new Map()
  const answer: unknown = JSON.parse(body)
  const rows = bulk
    ? (answer as { readonly results: readonly { readonly row?: unknown }[] }).results.map(({ row }) => row)
    : [answer]
  return new Map(rows.filter(isRow).map((row) => [row.id, row]))
}

function isRow(value: unknown): value is Shown & { readonly id: string } {
  return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string'
}
