/**
 * Seconds between attempts, as Standard Webhooks recommend: at once again where it was a hiccup, and then for three days, which is a weekend
 * on which nobody looks.
 */
const PAUSES_S = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

/** The first one, and one after each pause. */
export const MOST_ATTEMPTS = PAUSES_S.length + 1

/** How long nothing arrives until a webhook is switched off, when a delivery is given up. Five days: longer than one is tried for. */
export const FAILING_MS = 5 * 86_400_000

/** Seconds of rest that 429 asks for without a word. */
const REST_S = 60
/** Longest rest that a receiver may ask for: longer ones are as good as no. */
const MOST_REST_S = 3_600

/** Seconds until the next attempt; undefined after the last one. @param attempts made so far, from 1 */
export function pauseAfter(attempts: number, most: number): number | undefined {
  return attempts >= most ? undefined : PAUSES_S[Math.min(attempts, PAUSES_S.length) - 1]
}

/**
 * Seconds of rest that an answer asks for, for everything that goes to this webhook: 429, and 503 with `Retry-After` (RFC 9110, 10.2.3:
 * seconds, or a date).
 */
export function restAsked(status: number, retryAfter: string | undefined, now: Date): number | undefined {
  if (status !== 429 && status !== 503) return undefined
  const text = retryAfter?.trim() ?? ''
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : (Date.parse(text) - now.getTime()) / 1_000
  if (Number.isFinite(seconds)) return Math.min(MOST_REST_S, Math.max(1, Math.ceil(seconds)))
  return status === 429 ? REST_S : undefined
}
