import { auditedByPlatform, problem, type FeatureCommand } from '@plinth/core'
import { PLATFORM } from '../entry/chained-entry.ts'
import type { Sealer } from '../seal/sealer.ts'
import { acknowledge, verifyAndTell } from '../verify/verify-book.ts'
import { refuse } from './archive-file.ts'
import { chainOf } from './chain-of.ts'

const MOST_OF_A_REASON = 500

/**
 * `plinth audit:acknowledge`: an entry that was changed, and of which nobody has a copy, can never be right again. Somebody answers for it, by an
 * entry, and what comes next is verified and signed as ever.
 */
export function acknowledgeCommand(sealer: () => Sealer): FeatureCommand {
  return {
    name: 'audit:acknowledge',
    summary: 'go on with an audit log in which something is wrong that cannot be mended',
    options: {
      tenant: { type: 'string', description: 'its slug or id, or `platform`', required: true },
      reason: { type: 'string', description: 'what happened, for the log: it stays there for ever', required: true },
    },
    async run(platform, options) {
      const words = String(options['reason']).trim()
      if (words === '' || words.length > MOST_OF_A_REASON)
        throw refuse('--reason', `Expected 1 to ${MOST_OF_A_REASON} characters`)
      const chain = await chainOf(platform, String(options['tenant']))
      const verdict = await verifyAndTell(platform, sealer(), chain)
      const { valid, firstBad = 0, reason = 'missing', acknowledged } = verdict
      if (valid || acknowledged || reason === 'unsealed')
        throw problem('conflict', { detail: 'In this log there is nothing to be acknowledged.' })
      // What cannot be recorded is not acknowledged.
      await platform.database.system((system) =>
        auditedByPlatform(system, platform, {
          action: 'auditLog.acknowledged',
          tenantId: chain === PLATFORM ? null : chain,
          detail: { firstBad, fault: reason, reason: words },
        }),
      )
      const { seq } = await acknowledge(platform, sealer(), chain, verdict)
      return { tenant: chain, firstBad, reason, entry: seq }
    },
  }
}
