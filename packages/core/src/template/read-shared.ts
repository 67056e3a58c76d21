import { problem } from '../errors/plinth-error.ts'
import { jsonAnswer, type TextAnswer } from '../pipeline/answer.ts'
import type { Call } from '../pipeline/call.ts'
import { refuseQuery } from '../routes/resource/read.ts'
import type { SharedInfo, TemplateLink } from './link.ts'
import { resolveLevels } from './resolve.ts'

/** `GET /shared-{templates}`: what the platform offers to every tenant. They are code: few, and on no page. */
export function listShared(link: TemplateLink): (call: Call) => Promise<TextAnswer> {
  return (call) => {
    refuseQuery(call)
    const data = [...link.shared.values()].filter((shared) => !shared.retired).map(printed)
    return Promise.resolve(jsonAnswer(200, JSON.stringify({ data })))
  }
}

/** `GET /shared-{templates}/:key` */
export function readShared(link: TemplateLink): (call: Call) => Promise<TextAnswer> {
  return (call) => {
    refuseQuery(call)
    const shared = link.shared.get(call.parameters.key!)
    if (!shared || shared.retired) return Promise.reject(problem('not_found'))
    return Promise.resolve(jsonAnswer(200, JSON.stringify(printed(shared))))
  }
}

/** Nobody may: said as to everyone who sees a thing and may not change it. */
export function refuseSharedWrite(link: TemplateLink): (call: Call) => Promise<TextAnswer> {
  return (call) => {
    const shared = link.shared.get(call.parameters.key!)
    if (!shared || shared.retired) return Promise.reject(problem('not_found'))
    return Promise.reject(
      problem('permission_denied', {
        detail: 'A shared template belongs to the platform and is the same for every tenant.',
      }),
    )
  }
}

function printed({ key, name, description, parent, version, defaults, levels }: SharedInfo): object {
  const { value } = resolveLevels(undefined, levels)
  return { key, name, description: description ?? null, parent, version, shared: true, defaults, resolved: value }
}
