import { fieldModelsOf, isGuarded } from '@plinth/core'
import { configOption, type Command } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { printColumns } from '../style.ts'

/** The scopes of a permission, widest first. */
const scopes = ['all', 'group', 'own'] as const

export const permissions: Command = {
  name: 'permissions',
  summary: 'list every permission that there is, with its scopes',
  details:
    'Each may be given as it stands (scope all), or with a scope: site:update:own. site:* and * stand for many. A restricted field has its own (site.cost:read), which * alone holds beside its name.',
  options: configOption,
  async run({ terminal, style, json, printJson, plinth }) {
    const { registry, routes } = await plinth()
    const listed = registry.resources.flatMap((resource) => [
      ...resource.verbs.map((action) => ({
        permission: `${resource.name}:${action}`,
        model: resource.name,
        action,
        scopes,
        operations: routes
          .filter((route) => isGuarded(route) && route.resource === resource && route.verb === action)
          .map((route) => route.operationId),
      })),
      ...fieldModelsOf(resource).flatMap(({ name: model, verbs }) =>
        verbs.map((action) => ({
          permission: `${model}:${action}`,
          model,
          action: action as string,
          scopes,
          operations: [] as readonly string[],
        })),
      ),
    ])
    if (json) printJson({ ok: true, permissions: listed })
    else {
      const rows = listed.map((one) => [one.permission, one.scopes.join(' '), one.operations.join(' ')])
      const [head, ...lines] = printColumns([['PERMISSION', 'SCOPES', 'OPERATIONS'], ...rows]).split('\n')
      terminal.out([style.bold(head ?? ''), ...lines].join('\n'))
    }
    return exitCodes.ok
  },
}
