import { problem } from '../../errors/plinth-error.ts'
import type { Registry } from '../../platform/registry.ts'
import { builtInRow } from '../../resource/built-in-rows.ts'
import { holdsFor } from '../../resource/holds-for.ts'
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
      const refuse = (): Promise<never> => {
        const { facts } = call.scope
        if (!holdsFor(resource, row, call.visible, facts)) return Promise.reject(problem('not_found'))
        if (!holdsFor(resource, row, call.allowed, facts)) return Promise.reject(deniedRow(resource, route.verb))
        return Promise.reject(problem('built_in'))
      }
      return route.handle({ ...call, write: refuse, transact: refuse, transactAsSystem: refuse })
    },
  }
}
