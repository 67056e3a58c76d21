import type { Feature } from '../feature/feature.ts'
import type { Credential } from '../auth/principal.ts'

type Scheme =
  | { readonly type: 'http'; readonly scheme: 'bearer'; readonly description: string }
  | {
      readonly type: 'apiKey'
      readonly in: 'header' | 'cookie'
      readonly name: string
      readonly description: string
    }

const schemes: Readonly<Record<Credential['kind'], Scheme>> = {
  bearer: { type: 'http', scheme: 'bearer', description: 'Authorization: Bearer <token>' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key' },
  cookie: { type: 'apiKey', in: 'cookie', name: 'session_id', description: 'The session of a browser' },
}

/**
 * How a caller may show who he is: what some feature reads, in the order in which the request is searched. Where nobody reads
 * anything every guarded route is 401, and the challenge of that 401 names the bearer token.
 */
export function securitySchemes(features: readonly Feature[]): Record<string, Scheme> {
  const read = new Set(features.flatMap((feature) => feature.slots?.auth ?? []).flatMap(({ kinds }) => kinds))
  const kinds = (['bearer', 'apiKey', 'cookie'] as const).filter((kind) => read.has(kind))
  return Object.fromEntries((kinds.length > 0 ? kinds : (['bearer'] as const)).map((kind) => [kind, schemes[kind]]))
}
