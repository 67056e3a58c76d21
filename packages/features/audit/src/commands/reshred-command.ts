import type { FeatureCommand } from '@plinth/core'
import { PLATFORM, type ChainedEntry } from '../entry/chained-entry.ts'
import type { Sealer } from '../seal/sealer.ts'
import { ERASED, eraseSubject, type Erasure } from '../seal/shred.ts'
import { refuse, verifyFile } from './archive-file.ts'

/**
 * `plinth audit:reshred`: what was erased after a backup was taken is readable again when it was restored; the log that was archived
 * outside of the database says what.
 * @param sealAll what waits in the inbox is in the clear
 */
export function reshredCommand(sealer: () => Sealer, sealAll: () => Promise<number>): FeatureCommand {
  return {
    name: 'audit:reshred',
    summary: 'after a restore: erase again what the archive of a log says was erased',
    options: {
      file: { type: 'string', description: 'a file of audit:archive, made after the erasures', required: true },
    },
    async run(platform, options) {
      // It deletes keys for good: a file that somebody else wrote or cut must not decide which. Its own key proves nothing; this book's does.
      const { publicJwk, macKey } = await sealer().keys()
      // Of the very lines that were verified: a file can be another one when it is read again.
      const found: Erasure[] = []
      const onEntry = (entry: ChainedEntry): void => {
        if (!isErasure(entry)) return
        const { targetId, tenantId, occurredAt } = entry
        found.push({
          subject: String(targetId),
          tenantId: tenantId === PLATFORM ? undefined : tenantId,
          before: new Date(occurredAt),
        })
      }
      const verdict = await verifyFile(String(options['file']), { keys: [publicJwk], macKey, onEntry })
      if (!verdict.valid) throw refuse('--file', `entry ${verdict.firstBad ?? 0} is ${verdict.reason ?? 'wrong'}`)
      await sealAll()
      let keys = 0
      for (const erasure of found) keys += await eraseSubject(platform, erasure)
      return { erasures: found.length, keys }
    },
  }
}

/**
 * What the book wrote itself when it deleted keys. Whoever may write an entry of a name that he chooses, as code of the product may, must not have
 * keys deleted by it.
 */
function isErasure({ action, actorKind, actorId, outcome }: ChainedEntry): boolean {
  return action === ERASED && actorKind === 'system' && actorId === 'system' && outcome === 'success'
}
