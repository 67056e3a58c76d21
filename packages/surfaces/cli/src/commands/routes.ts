import { configOption, type Command } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { printColumns } from '../style.ts'

export const routes: Command = {
  name: 'routes',
  summary: 'list what is served: method, path, permission, operation, origin',
  details: 'Reads the declaration only; no database is asked.',
  options: configOption,
  async run({ terminal, style, json, printJson, plinth }) {
    const { routes: all, basePath } = await plinth()
    const listed = all
      .map((route) => ({
        method: route.method,
        path: `${basePath}${route.path}`,
        permission: route.public ? null : (route.personal ?? `${route.resource.name}:${route.verb}`),
        operationId: route.operationId,
        origin: route.origin,
      }))
      .sort((left, right) => compare(left.path, right.path) || compare(left.method, right.method))
    if (json) printJson({ ok: true, routes: listed })
    else {
      const rows = listed.map((one) => [one.method, one.path, one.permission ?? 'public', one.operationId, one.origin])
      const [head, ...lines] = printColumns([['METHOD', 'PATH', 'PERMISSION', 'OPERATION', 'ORIGIN'], ...rows]).split(
        '\n',
      )
      terminal.out([style.bold(head ?? ''), ...lines].join('\n'))
    }
    return exitCodes.ok
  },
}

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)
