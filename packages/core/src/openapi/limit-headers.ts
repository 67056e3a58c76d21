import type { Route } from '../routes/route.ts'

const text = { schema: { type: 'string' as const } }

/** Described once, as components: they are on nearly every response. */
export const limitHeaderComponents = {
  RateLimit: { ...text, description: 'What is left of each limit that counted this request: `"principal";r=599;t=1`' },
  RateLimitPolicy: { ...text, description: 'The limits that counted this request: `"principal";q=600;w=60`' },
  RetryAfter: { schema: { type: 'integer' as const, minimum: 1 }, description: 'Seconds after which to try again' },
}

const component = (name: keyof typeof limitHeaderComponents): object => ({ $ref: `#/components/headers/${name}` })

/** Headers of limits on a response of this status. */
export function limitHeaders(route: Route, status: number): Readonly<Record<string, object>> {
  return {
    ...(route.limits !== 'none' && {
      RateLimit: component('RateLimit'),
      'RateLimit-Policy': component('RateLimitPolicy'),
    }),
    ...((status === 429 || status === 503) && { 'Retry-After': component('RetryAfter') }),
  }
}
