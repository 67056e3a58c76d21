import { problem, type Principal, type Registry } from '@plinth/core'
import { hearing } from './event-patterns.ts'

/**
 * Whoever has a webhook is told of rows by its events: what one may not read, one may not have sent. Who reads events (`event:read`) is told
 * of all of them; otherwise it takes the right to read every row of what they are about. Of what code tells by hand that is the model after
 * which the event is named (`invoice:read` for `invoice.paid`); where there is none, every right that there is.
 * @throws permission_denied that names what is not read
 */
export function refuseUnheard(registry: Registry, { permissions }: Principal, events: readonly string[]): void {
  const { permissions: numbers } = registry
  const everywhere = (model: string): boolean | undefined => {
    const number = numbers.numberOf(model, 'read')
    return number === undefined ? undefined : permissions.everywhere(number)
  }
  const readsEvents = everywhere('event')
  if (readsEvents) return
  let hasAll: boolean | undefined
  const unread = new Set<string>()
  for (const { type, resource } of registry.events.values()) {
    if (!hearing(type).some((pattern) => events.includes(pattern))) continue
    const model = type.slice(0, type.indexOf('.'))
    // Where events are read by a permission of their own, those that are about no rows are for who has it.
    const reads = resource || readsEvents === undefined ? everywhere(resource?.name ?? model) : false
    if (reads) continue
    if (reads === undefined && (hasAll ??= numbers.names.every((_, number) => permissions.everywhere(number)))) continue
    unread.add(
      reads === undefined ? 'every permission' : resource || readsEvents === undefined ? `${model}:read` : 'event:read',
    )
  }
  if (unread.size === 0) return
  const named = [...unread].sort().slice(0, 5).join(', ')
  throw problem('permission_denied', {
    detail: `These events tell of more than you may read: it takes event:read, or ${named} in the scope all.`,
    asked: 'event:read',
  })
}
