import { auditedByPlatform, type Platform } from '@plinth/core'
import { PLATFORM } from '../entry/chained-entry.ts'

/**
 * That a command read the book, as what is asked for over HTTP says so: of one chain in that chain; of all of them in that of the platform
 * alone, or the logs of tenants that sleep would grow by being verified every night. Before anything is shown or written: what cannot be
 * recorded is not read.
 * @param chain undefined for all
 */
export function tellCommand(
  platform: Platform,
  action: 'auditLog.signed' | 'auditLog.verified' | 'auditLog.exported',
  chain: string | undefined,
  detail: Readonly<Record<string, string | number | boolean | null>> = {},
): Promise<void> {
  const tenantId = chain === PLATFORM ? null : (chain ?? null)
  const by = chain === undefined ? { ...detail, logs: 'all' } : detail
  return platform.database.system((system) => auditedByPlatform(system, platform, { action, tenantId, detail: by }))
}
