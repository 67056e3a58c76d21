import { hash } from 'node:crypto'
import { problem } from '../errors/plinth-error.ts'
import { validate } from '../input/validate.ts'
import { matchVersion } from '../output/conditional.ts'
import { jsonAnswer, type TextAnswer } from '../pipeline/answer.ts'
import type { Call } from '../pipeline/call.ts'
import type { RawRow, Session } from '../ports/database.ts'
import { fieldOf } from '../resource/resource-info.ts'
import { changedRow } from '../write/changed-row.ts'
import { refuseQuery } from '../routes/resource/read.ts'
import { rowAnswer } from '../routes/resource/written-row.ts'
import { templateSchemas } from './answer-schemas.ts'
import { printPin } from './level.ts'
import type { TemplateLink } from './link.ts'
import { sourceOf } from './read-provenance.ts'
import { resolveLive, resolvedValue, resolveRows } from './resolve-rows.ts'
import { differences, type Resolution } from './resolve.ts'

/** `GET /{plural}/:id/resync`: what a pinned row would get if it were pinned anew. A live row has it already: no changes. */
export function previewResync(link: TemplateLink): (call: Call) => Promise<TextAnswer> {
  return async (call) => {
    refuseQuery(call)
    const { resource } = call.request.route
    const row = await call.session.read({ resource, id: call.parameters.id!, visible: call.visible })
    if (!row) throw problem('not_found')
    const { before, after, state } = await compare(link, row, call.session)
    const changes = differences(before, after).map(({ level, ...change }) => ({
      ...change,
      // Nobody says what is no more.
      ...('after' in change ? sourceOf(level) : { source: null, template: null }),
    }))
    const { inheritance } = row
    return jsonAnswer(200, JSON.stringify({ id: String(row.id), inheritance, state, changes, faults: after.faults }))
  }
}

/**
 * `POST /{plural}/:id/resync`: pins the row to the present state of its templates, if that, and the row, are still what the preview
 * has shown.
 */
export function applyResync(link: TemplateLink): (call: Call) => Promise<TextAnswer> {
  return async (call) => {
    refuseQuery(call)
    const { resource, verb } = call.request.route
    const { state: seen } = validate(templateSchemas(link).resyncInput, call.body) as { readonly state: string }
    const id = call.parameters.id!
    const change = {
      resource,
      id,
      visible: call.visible,
      allowed: call.allowed,
      ifVersion: matchVersion(call.headers['if-match']),
      event: 'updated',
    }
    return call.transact(async (transaction) => {
      const row = await transaction.lock({ resource, id, visible: call.visible })
      // Whether he may at all is asked before anything is compared.
      const known = changedRow(
        row ? await transaction.probe(change) : { outcome: 'missing' },
        `${resource.name}:${verb}`,
      )
      if (known.inheritance !== 'pinned') {
        throw problem('conflict', { detail: 'The row inherits live; there is nothing to bring up to date.' })
      }
      const { after, state } = await compare(link, known, transaction)
      if (state !== seen) {
        throw problem('version_mismatch', { detail: 'The row or its templates changed since the preview.' })
      }
      resolvedValue(after)
      const pin = printPin(after.levels.slice(0, -1))
      const values = new Map([[fieldOf(resource, 'pinnedLevels'), pin]])
      const same = pin === printPin((await pinnedLevels(link, known, transaction)).levels.slice(0, -1))
      const result = same ? await transaction.probe(change) : await transaction.update({ ...change, values })
      const now = changedRow(result, `${resource.name}:${verb}`)
      return rowAnswer(call, transaction, resource, now)
    })
  }
}

interface Compared {
  readonly before: Resolution
  readonly after: Resolution
  readonly state: string
}

async function compare(link: TemplateLink, row: RawRow, session: Session): Promise<Compared> {
  const before = await pinnedLevels(link, row, session)
  const after = row.inheritance === 'pinned' ? await resolveLive(link, row, session) : before
  // Version and values: a template that was replaced by another one with the same version number is another state.
  const text = JSON.stringify([row.id, row.version, after.levels])
  return { before, after, state: hash('sha256', text, 'hex').slice(0, 32) }
}

async function pinnedLevels(link: TemplateLink, row: RawRow, session: Session): Promise<Resolution> {
  const [resolution] = await resolveRows(link, [row], session)
  return resolution!
}
