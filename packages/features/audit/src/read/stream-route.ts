import { readQuery, refuseQuery, wholeNumber, type Answer, type PersonalCall, type PersonalRoute } from '@plinth/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Sealer } from '../seal/sealer.ts'
import { jsonLine } from './export-route.ts'
import { oldestEntries } from './filter.ts'
import { auditRoute, inTenant, tell } from './read-routes.ts'
import { shownEntries, shownSchema, type ShownEntry } from './shown-entry.ts'

const MOST = 1_000
const LONGEST_WAIT = 30
const LOOK_MS = 1_000
/**
 * Calls of one tenant that are held back at once in this process. Each is a request in flight, of which there are so many for all tenants,
 * and looks at the log every second.
 */
const MOST_WAITING = 10
/** The name of the entry about a call of this route. */
const STREAMED = 'auditLog.streamed'

/**
 * `GET /audit-logs/stream?after=<seq>`: what came after an entry, for systems that collect events. Whoever asks again with the number
 * of the last line misses nothing and gets nothing twice; with `wait` the answer is held back until there is something.
 */
export function streamRoute(sealer: () => Sealer): PersonalRoute {
  const waiting = new Map<string, number>()
  return {
    ...auditRoute,
    method: 'GET',
    path: '/api/v1/audit-logs/stream',
    operationId: 'streamAuditLogs',
    summary: 'What came after an entry, as JSON lines',
    query: [
      { name: 'after', description: 'Number of the last entry that was received; 0 for all', schema: z.int().min(0) },
      {
        name: 'wait',
        description: `Seconds to wait where there is nothing (0 unless told); not where ${MOST_WAITING} others of the tenant wait`,
        schema: z.int().min(0).max(LONGEST_WAIT),
      },
    ],
    errors: ['invalid_query'],
    answers: [
      {
        status: 200,
        description: `Up to ${MOST} lines and some 16 MiB, the oldest first; none where there is nothing`,
        contentType: 'application/x-ndjson',
        schema: shownSchema,
      },
    ],
    handle: (call) => streamed(call, sealer(), waiting),
  }
}

async function streamed(call: PersonalCall, sealer: Sealer, waiting: Map<string, number>): Promise<Answer> {
  const { platform, scope, tenantId } = inTenant(call)
  refuseQuery(call, ['after', 'wait'])
  const given = readQuery(call.search)
  const after = wholeNumber('after', given.get('after'), { most: Number.MAX_SAFE_INTEGER })
  const until = performance.now() + wholeNumber('wait', given.get('wait'), { most: LONGEST_WAIT }) * 1_000
  let entries: readonly ShownEntry[] = []
  for (;;) {
    await sealer.seal(tenantId)
    entries = await platform.database.transaction(scope, async (transaction) => {
      const rows = await transaction.run(oldestEntries(tenantId, {}, { after: String(after), limit: MOST }))
      const shown = await shownEntries(transaction, platform.secrets, tenantId, rows)
      // An entry about entries about entries would never end: what holds nothing else is not told.
      if (shown.some(({ action }) => action !== STREAMED))
        await tell(transaction, call, STREAMED, { after, entries: shown.length })
      return shown
    })
    const left = until - performance.now()
    if (entries.length > 0 || left <= 0 || call.signal.aborted) break
    const others = waiting.get(tenantId) ?? 0
    if (others >= MOST_WAITING) break
    waiting.set(tenantId, others + 1)
    await sleep(Math.min(LOOK_MS, left))
    const still = waiting.get(tenantId)! - 1
    if (still > 0) waiting.set(tenantId, still)
    else waiting.delete(tenantId)
    // Who loses his right, or his credential, while he waits gets no more.
    await call.renew()
  }
  return {
    status: 200,
    headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' },
    body: entries.map(jsonLine).join(''),
  }
}
