import { problem, type FeatureCommand } from '@plinth/core'
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { PLATFORM, type ChainedEntry } from '../entry/chained-entry.ts'
import type { Sealer } from '../seal/sealer.ts'
import { ERASED, eraseSubject, type Erasure } from '../seal/shred.ts'
import { verifyArchive } from '../verify/verify-archive.ts'

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
      const file = resolve(String(options['file']))
      // It deletes keys for good: a file that somebody else wrote or cut must not decide which. Its own key proves nothing; this book's does.
      const { publicJwk, macKey } = await sealer().keys()
      // Of the very lines that were verified: a file can be another one when it is read again.
      const found: Erasure[] = []
      const onEntry = ({ action, targetId, tenantId, occurredAt }: ChainedEntry): void => {
        if (action !== ERASED) return
        found.push({
          subject: String(targetId),
          tenantId: tenantId === PLATFORM ? undefined : tenantId,
          before: new Date(occurredAt),
        })
      }
      const trust = { keys: [publicJwk], macKey, onEntry }
      const verdict = await verifyArchive(linesOf(file), trust).catch((error: unknown) => {
        throw refused(error instanceof Error ? error.message : String(error))
      })
      if (!verdict.valid) throw refused(`entry ${verdict.firstBad ?? 0} is ${verdict.reason ?? 'wrong'}`)
      await sealAll()
      let keys = 0
      for (const erasure of found) keys += await eraseSubject(platform, erasure)
      return { erasures: found.length, keys }
    },
  }
}

function linesOf(file: string): Interface {
  return createInterface({ input: createReadStream(file), crlfDelay: Infinity })
}

function refused(message: string): Error {
  return problem('validation_failed', { errors: [{ path: '--file', code: 'invalid', message }] })
}
