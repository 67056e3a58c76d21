import { problem } from '../../errors/plinth-error.ts'
import type { Registry } from '../../platform/registry.ts'
import { builtInRow } from '../../resource/built-in-rows.ts'
import { admits } from '../../resource/admitted.ts'
import { deniedRow } from '../../write/write-parts.ts'
import type { GuardedRoute } from '../route.ts'

/**
 * The same route, which answers 409 for a row that is built in. Asked where the write would begin, so that what is wrong with the
 * input, or who may not do this anyway, is told first as for any other row.
 */
export function refuseBuiltIn(registry: Registry, route: GuardedRoute): GuardedRoute {
  if (route.method === 'GET' || !route.path.includes('/:id')) return route
  const { resource } = route
  return {
    ...route,
    errors: route.errors.includes('built_in') ? route.errors : [...route.errors, 'built_in'],
    handle(call) {
      const row = builtInRow(registry, resource, call.parameters.id ?? '')
      if (!row) return route.handle(call)
      const refuse = async (): Promise<never> => {
        const { facts } = call.scope
        if (!(await admits(call.session, resource, row, call.visible, facts))) throw problem('not_found')
        if (!(await admits(call.session, resource, row, call.allowed, facts))) throw deniedRow(resource, route.verb)
        throw problem('built_in')
      }
      return route.handle({ ...call, write: refuse, transact: refuse, transactAsSystem: refuse })
    },
  }
}
