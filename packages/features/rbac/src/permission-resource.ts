import { defineResource, formatPermission, problem, scopes, type BuiltInRow, type Resource } from '@plinth/core'
import type { z } from 'zod'
import type { DefinitionsOf } from './definitions.ts'
import { actionsOf, isKnown, modelsOf, wordsForUnknown } from './known-permissions.ts'
import { permissions } from './tables.ts'

/**
 * The catalogue of permissions. Every action of every model in every scope is built in: generated from what the platform serves, and
 * in no table. A tenant may keep combinations with a wildcard beside them, with a description for those who put roles together. Such a
 * row gives nothing by itself, and what a role may do never changes because the catalogue did.
 */
export function permissionResource(definitions: DefinitionsOf): Resource {
  return defineResource({
    table: permissions,
    name: 'permission',
    description: 'What a role can be given: model, action and scope',
    fields: {
      name: { readOnly: true, filter: true, sort: true, search: true },
      model: {
        immutable: true,
        filter: true,
        sort: true,
        schema: (model) =>
          known(model, 'unknown_model', (word) => {
            const numbers = definitions.known.permissions
            return modelsOf(numbers).includes(word) ? undefined : wordsForUnknown(numbers, `${word}:*`)
          }).meta({ examples: ['role', 'permission', 'userRole', '*'] }),
      },
      action: {
        immutable: true,
        filter: true,
        sort: true,
        schema: (action) =>
          known(action, 'unknown_action', (word) => {
            const numbers = definitions.known.permissions
            return actionsOf(numbers, '*').includes(word) ? undefined : wordsForUnknown(numbers, `*:${word}`)
          }).meta({ examples: ['*'] }),
      },
      scope: { immutable: true, filter: true },
      description: { search: true, schema: (description) => description.max(500) },
      builtIn: { readOnly: true, filter: true },
    },
    hooks: {
      beforeCreate(_context, draft) {
        const { model, action, scope = 'all' } = draft
        const name = formatPermission({ model, action, scope })
        const numbers = definitions.known.permissions
        if (!isKnown(numbers, name))
          throw problem('validation_failed', {
            errors: [{ path: '/action', code: 'unknown_action', message: wordsForUnknown(numbers, name) }],
          })
        if (model !== '*' && action !== '*')
          throw problem('already_exists', {
            errors: [{ path: '/action', code: 'taken', message: `${name} is built in` }],
          })
        return { ...draft, scope, name }
      },
    },
    builtIn: ({ permissions: numbers }) =>
      numbers.names.flatMap((name) => scopes.map((scope) => generated(name, scope))),
  }) as unknown as Resource
}

function generated(name: string, scope: (typeof scopes)[number]): BuiltInRow {
  const [model = '', action = ''] = name.split(':')
  const whole = formatPermission({ model, action, scope })
  return { key: whole, values: { name: whole, model, action, scope } }
}

/** `*`, or a word of which nothing is to be said. */
function known(schema: z.ZodString, code: string, fault: (word: string) => string | undefined): z.ZodType {
  return schema.max(64).superRefine((word, context) => {
    const message = word === '*' ? undefined : fault(word)
    if (message !== undefined) context.addIssue({ code: 'custom', message, params: { code } })
  })
}
