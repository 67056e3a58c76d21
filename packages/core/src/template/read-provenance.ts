import { problem } from '../errors/plinth-error.ts'
import { jsonAnswer, type TextAnswer } from '../pipeline/answer.ts'
import type { Call } from '../pipeline/call.ts'
import { refuseQuery } from '../routes/resource/read.ts'
import type { Level } from './level.ts'
import type { TemplateLink } from './link.ts'
import { resolveRows, resolveTemplates } from './resolve-rows.ts'
import { provenanceOf } from './resolve.ts'

/** `GET /{plural}/:id/provenance`: which value comes from which level, by JSON pointer. */
export function readProvenance(link: TemplateLink): (call: Call) => Promise<TextAnswer> {
  return async (call) => {
    refuseQuery(call)
    const { resource } = call.request.route
    const row = await call.session.read({ resource, id: call.parameters.id!, visible: call.visible })
    if (!row) throw problem('not_found')
    const resolve = resource === link.template ? resolveTemplates : resolveRows
    const [resolution] = await resolve(link, [row], call.session)
    const leaves = provenanceOf(resolution!).map(({ path, value, from }) => {
      const level = from === undefined ? undefined : resolution!.levels[from]
      return [path, { value, ...sourceOf(level) }] as const
    })
    const levels = resolution!.levels.map(({ source, template, version }) => ({ source, template, version }))
    const values = Object.fromEntries(leaves)
    return jsonAnswer(200, JSON.stringify({ id: String(row.id), levels, values, faults: resolution!.faults }))
  }
}

/** What no level says is the schema's own default. */
export function sourceOf(level: Level | undefined): Pick<Level, 'source' | 'template'> {
  return { source: level?.source ?? 'default', template: level?.template ?? null }
}
