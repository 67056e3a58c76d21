import { problem, type Principal, type Registry } from '@plinth/core'
import { hearing } from './event-patterns.ts'

/**
 * Whoever has a webhook is told of rows by its events: what one may not read, one may not have sent. Who reads events (`event:read`) is told
 * of all of them; otherwise it takes the right to read every row of what they are about.
 * @throws permission_denied that names what is not read
 */
export function refuseUnheard(registry: Registry, { permissions }: Principal, events: readonly string[]): void {
  const reading = registry.permissions.numberOf('event', 'read')
  if (reading !== undefined && permissions.everywhere(reading)) return
  const unread = new Set<string>()
  for (const { type, resource } of registry.events.values()) {
    if (!hearing(type).some((pattern) => events.includes(pattern))) continue
    if (resource) {
      const number = registry.permissions.numberOf(resource.name, 'read')
      if (number === undefined || permissions.condition(number).kind !== 'always') unread.add(`${resource.name}:read`)
      // What is about no rows: who reads it is who reads events, where there is such a permission.
    } else if (reading !== undefined) unread.add('event:read')
  }
  if (unread.size === 0) return
  const named = [...unread].sort().slice(0, 5).join(', ')
  throw problem('permission_denied', {
    detail: `These events tell of more than you may read: it takes event:read, or ${named} in the scope all.`,
    asked: 'event:read',
  })
}
