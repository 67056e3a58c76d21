import type { AccessExplanation, AccessQuestion } from './access-explanation.ts'
import { auditedByPlatform } from './audited.ts'
import { explainAccess } from './explain-access.ts'
import type { Platform } from './platform.ts'

/**
 * Whoever runs it asks about a tenant that he need not be in, and learns who may what there: an entry as of all that is done so. Before
 * anything is told.
 */
export async function explainedByPlatform(platform: Platform, question: AccessQuestion): Promise<AccessExplanation> {
  const told = await explainAccess(platform, question)
  const tenantId = told.tenant?.id
  if (platform.audit && tenantId !== undefined)
    await platform.database.system((system) =>
      auditedByPlatform(system, platform, {
        action: 'system.access',
        tenantId,
        detail: { reason: `explains ${told.permission}`, about: `${told.principal.kind}:${told.principal.id}` },
      }),
    )
  return told
}
