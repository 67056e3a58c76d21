import type { GuardedRoute, Registry, ResourceInfo } from '@plinth/core'
import type { Send } from '../http/wire.ts'
import type { TestTenant } from '../platform/actors.ts'
import type { SeededRows } from '../tenants/seed-rows.ts'
import type { Words } from './words.ts'

/** `state` of the re-sync preview of each row of a tenant that comes from templates, by its id. */
export async function readStates(
  send: Send,
  registry: Registry,
  tenant: TestTenant,
  rows: SeededRows,
): Promise<ReadonlyMap<string, string>> {
  const states = new Map<string, string>()
  const authorization = ['authorization', `Bearer ${tenant.actors.full.token}`] as const
  for (const resource of registry.templates.ofInstance.keys()) {
    if (!resource.operations.read) continue
    for (const { id } of rows.get(resource.name) ?? []) {
      const target = `/api/v1/${resource.path}/${id}/resync`
      const { body } = await send({ method: 'GET', target, headers: [authorization] })
      const { state } = JSON.parse(body) as { readonly state?: string }
      if (state !== undefined) states.set(id, state)
    }
  }
  return states
}

/** A path with the key of a shared template in it: a known one, mostly. */
export function withKey({ random, knowledge }: Words, route: GuardedRoute): string {
  if (!route.path.includes('/:key')) return route.path
  const link = knowledge.registry.templates.ofTemplate.get(route.resource)
  const keys = [...(link?.shared.keys() ?? [])]
  return route.path.replace(':key', random.chance(0.8) && keys.length > 0 ? random.pick(keys) : random.word(8))
}

export function isResync(route: Pick<GuardedRoute, 'method' | 'path'>): boolean {
  return route.method === 'POST' && route.path.endsWith('/:id/resync')
}

export function isRestore(route: Pick<GuardedRoute, 'method' | 'path'>): boolean {
  return route.method === 'POST' && route.path.endsWith('/:id/restore')
}

/** A row of the attacker's for which the route can do what it is for: one that is pinned, one that is deleted. */
export function neededId({ random, knowledge }: Words, route: GuardedRoute): string | undefined {
  const rows = (knowledge.attackerRows.get(route.resource.name) ?? []).filter((row) =>
    isResync(route)
      ? row.values['inheritance'] === 'pinned' && row.role !== 'deleted'
      : isRestore(route) && row.role === 'deleted',
  )
  return rows.length === 0 ? undefined : random.pick(rows).id
}

/** The state that the row has, where it is one of the attacker's; now and then another row's, or none that there is. */
export function resyncBody({ random, knowledge }: Words, id: string): string {
  const states = [...knowledge.states.values()]
  const other = random.chance(0.3) && states.length > 0 ? random.pick(states) : random.word(32)
  return JSON.stringify({ state: (random.chance(0.85) ? knowledge.states.get(id) : undefined) ?? other })
}

/** Whose columns the body of a create holds: a clone is sent to a template and makes a row of another resource. */
export function drafted(route: Pick<GuardedRoute, 'resource' | 'guarded'>): ResourceInfo {
  return route.guarded ?? route.resource
}
