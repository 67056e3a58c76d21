import type { Route } from '../routes/route.ts'

const text = { schema: { type: 'string' as const } }

/** Described once, as components: they are on nearly every response. */
export const headerComponents = {
  'Access-Control-Allow-Origin': {
    ...text,
    description: 'The origin of the page that asks, where it is one that may read answers; else absent',
  },
  RateLimit: { ...text, description: 'What is left of each limit that counted this request: `"principal";r=599;t=1`' },
  RateLimitPolicy: { ...text, description: 'The limits that counted this request: `"principal";q=600;w=60`' },
  RetryAfter: {
    schema: { type: 'integer' as const, minimum: 1, maximum: 2_147_483_647 },
    description: 'Seconds after which to try again',
  },
}

const component = (name: keyof typeof headerComponents): object => ({ $ref: `#/components/headers/${name}` })

/** Headers on a response of this status: what is left of the limits, when to come again, which pages of other origins may read it. */
export function commonHeaders(route: Route, status: number): Readonly<Record<string, object>> {
  return {
    'Access-Control-Allow-Origin': component('Access-Control-Allow-Origin'),
    ...(route.limits !== 'none' && {
      RateLimit: component('RateLimit'),
      'RateLimit-Policy': component('RateLimitPolicy'),
    }),
    ...((status === 429 || status === 503) && { 'Retry-After': component('RetryAfter') }),
  }
}
