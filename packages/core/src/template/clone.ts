import type { z } from 'zod'
import { problem } from '../errors/plinth-error.ts'
import { inputSchemas } from '../input/schemas.ts'
import { storedValues, validate } from '../input/validate.ts'
import type { TextAnswer } from '../pipeline/answer.ts'
import type { Call } from '../pipeline/call.ts'
import { withOwnerGroup } from '../resource/new-row-scope.ts'
import { fieldOf } from '../resource/resource-info.ts'
import { refuseQuery } from '../routes/resource/read.ts'
import { rowAnswer } from '../routes/resource/written-row.ts'
import type { TemplateLink } from './link.ts'
import { createRow } from '../write/create-row.ts'
import { partsOf } from '../routes/resource/write-by-call.ts'
import { holdTemplates } from './settle.ts'

const bodies = new WeakMap<TemplateLink, z.ZodObject>()

/** Body of a clone: a new row without saying what it comes from, which the path does. */
export function cloneSchema(link: TemplateLink): z.ZodObject {
  const known = bodies.get(link)
  if (known) return known
  const { whole } = inputSchemas(link.instance)
  const made = whole.omit({ templateId: true, sharedTemplate: true }).meta({ id: `${whole.meta()!.id!}Clone` })
  bodies.set(link, made)
  return made
}

/**
 * `POST /{templates}/:id/clone` and `POST /shared-{templates}/:key/clone`: a new row that comes from this template, with overrides.
 * Its id, owner and rights are its own. Needs `create` on the row's resource, and the template in sight.
 */
export function cloneTemplate(link: TemplateLink, from: 'own' | 'shared'): (call: Call) => Promise<TextAnswer> {
  return async (call) => {
    refuseQuery(call)
    const { registry } = call.platform
    const { principal } = call.request
    const { instance, template } = link
    const body = storedValues(instance, validate(cloneSchema(link), call.body))
    const given = withOwnerGroup(instance, call.allowed, call.scope.facts, body)
    const visible = principal.permissions.condition(registry.permissions.numberOf(template.name, 'read')!)
    return call.transact(async (transaction) => {
      const values = new Map(given)
      await holdTemplates(registry, instance, transaction)
      if (from === 'own') {
        const id = call.parameters.id!
        const row = visible.kind === 'never' ? undefined : await transaction.read({ resource: template, id, visible })
        if (!row) throw problem('not_found')
        values.set(fieldOf(instance, 'templateId'), String(row.id))
      } else {
        const key = call.parameters.key!
        const known = visible.kind === 'never' ? undefined : link.shared.get(key)
        if (!known || known.retired) throw problem('not_found')
        values.set(fieldOf(instance, 'sharedTemplate'), key)
      }
      const row = await createRow(partsOf(call, transaction, transaction), instance, values)
      const location = `${call.platform.basePath}/api/v1/${instance.path}/${String(row.id)}`
      return rowAnswer(call, transaction, instance, row, { status: 201, location })
    })
  }
}
