import type { Registry, ResourceInfo } from '@plinth/core'

/**
 * What the columns of templates must say together, which no value alone can: from one kind of template at most, and a pin where the
 * row is pinned.
 * @param place every second row is pinned
 * @param said  what the pinned template said
 */
export function fitTemplates(
  registry: Registry,
  resource: ResourceInfo,
  values: Record<string, unknown>,
  place: number,
  said: () => unknown,
): void {
  const instance = registry.templates.ofInstance.get(resource)
  if (instance) {
    const [key] = instance.shared.keys()
    values['sharedTemplate'] = values['templateId'] === null ? (key ?? null) : null
    const pinned = place % 2 === 1 && typeof values['templateId'] === 'string'
    values['inheritance'] = pinned ? 'pinned' : 'live'
    const level = { source: 'template', template: values['templateId'], version: '1', values: said() }
    values['pinnedLevels'] = pinned ? [level] : null
  }
  if (registry.templates.ofTemplate.has(resource)) values['sharedParent'] = null
}

/** Columns of which a draft that names its template by id says nothing: both at once are refused. */
export function isSharedColumn(registry: Registry, resource: ResourceInfo, key: string): boolean {
  const { ofInstance, ofTemplate } = registry.templates
  return (key === 'sharedTemplate' && ofInstance.has(resource)) || (key === 'sharedParent' && ofTemplate.has(resource))
}
