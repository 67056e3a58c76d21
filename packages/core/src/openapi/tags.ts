import type { Registry } from '../platform/registry.ts'
import type { Route } from '../routes/route.ts'

const ofPlatform: Readonly<Record<string, string>> = {
  about: 'What this service is, and this document',
  health: 'Whether the service and what it depends on are well',
}

export interface Tag {
  readonly name: string
  readonly description: string
}

/** Tags with descriptions, those of the product first: readers come for them. */
export function describeTags(routes: readonly Route[], registry: Registry): Tag[] {
  const product = new Set(routes.filter((route) => route.origin === 'product').map((route) => route.tag))
  const names = [...new Set(routes.map((route) => route.tag))].sort(
    (a, b) => Number(product.has(b)) - Number(product.has(a)) || (a < b ? -1 : 1),
  )
  return names.map((name) => {
    const resource = registry.resources.find((each) => each.name === name)
    const description = resource ? (resource.description ?? `Rows of ${resource.path}`) : ofPlatform[name]
    return { name, description: description ?? `The ${name} of the service` }
  })
}
