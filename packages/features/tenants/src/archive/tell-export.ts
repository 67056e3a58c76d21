import { audited, type Platform } from '@plinth/core'
import { randomUUID } from 'node:crypto'
import type { ExportOptions } from './export-tenant.ts'

/** A command has no client. */
const nobody = { address: undefined, key: undefined, own: false, secure: true, userAgent: undefined }

/** The entry of an export, before its first row: one that cannot be recorded does not begin. */
export async function tellExport(
  platform: Platform,
  tenantId: string,
  { by, passphrase }: Pick<ExportOptions, 'by' | 'passphrase'>,
): Promise<void> {
  if (!platform.audit) return
  const call = by ?? { platform, client: nobody, requestId: randomUUID() }
  await platform.database.system((system) =>
    audited(system, call, {
      action: 'tenant.exported',
      target: tenantId,
      tenantId,
      ...(by ? {} : { actor: { kind: 'system', id: 'system' } }),
      detail: { secrets: passphrase !== undefined },
    }),
  )
}
