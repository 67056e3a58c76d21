import { problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'

/** Exports of one tenant at a time, in this process: an export is the work of thousands of pages. */
const MOST_AT_ONCE = 4

const running = new WeakMap<Platform, Map<string, number>>()

/**
 * Takes one of a tenant's places for exports.
 * @returns what gives it back, once
 * @throws too_many_exports where all are taken
 */
export function takePlace(platform: Platform, tenantId: string): () => void {
  const taken = running.get(platform) ?? new Map<string, number>()
  running.set(platform, taken)
  const others = taken.get(tenantId) ?? 0
  if (others >= MOST_AT_ONCE)
    throw problem('too_many_exports', {
      detail: `At most ${MOST_AT_ONCE} run at a time.`,
      headers: { 'retry-after': '5' },
    })
  taken.set(tenantId, others + 1)
  let held = true
  return () => {
    if (!held) return
    held = false
    const left = (taken.get(tenantId) ?? 1) - 1
    if (left > 0) taken.set(tenantId, left)
    else taken.delete(tenantId)
  }
}
