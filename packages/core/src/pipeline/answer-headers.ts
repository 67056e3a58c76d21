import { corsHeaders, variesByOrigin } from '../cors/cors.ts'
import { rateHeaders } from '../limits/rate-headers.ts'
import type { Platform } from '../platform/platform.ts'
import { VARY, type Answer } from './answer.ts'
import type { Reached } from './response.ts'

/**
 * Of every answer, unless it says otherwise: nothing of it may be sniffed, framed, run or loaded by a page of another site, and where
 * it was linked from is told to nobody. An answer is data, mostly; a page brings the policy that it needs.
 */
const always = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const
/** What an answer depends on beside its URL. A public route reads no credential: with these, no cache could serve it twice. */
const ofWhoAsks = { ...always, vary: VARY } as const
/** A year. Not for subdomains, which may be somebody else's. */
const HSTS = 'max-age=31536000'

/** All headers of an answer. */
export function answerHeaders(platform: Platform, received: Reached, answer: Answer): Record<string, string> {
  const { cors } = platform
  const headers: Record<string, string> = {
    ...(received.route?.public ? always : ofWhoAsks),
    'x-request-id': received.requestId,
    ...(received.limits.length === 0 ? undefined : rateHeaders(received.limits)),
    ...answer.headers,
  }
  // On the machine of a developer it would bind every other project on `localhost`, for a year.
  if (received.client.secure && platform.environment !== 'development') headers['strict-transport-security'] = HSTS
  if (!cors.any && !variesByOrigin(cors)) return headers
  if (variesByOrigin(cors)) headers['vary'] = headers['vary'] === undefined ? 'Origin' : `${headers['vary']}, Origin`
  return Object.assign(headers, corsHeaders(cors, received.headers['origin']))
}
