import { problem, type FeatureCommand } from '@plinth/core'
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { PLATFORM } from '../entry/chained-entry.ts'
import { ERASED, eraseSubject } from '../seal/shred.ts'
import { verifyArchive } from '../verify/archive.ts'

/**
 * `plinth audit:reshred`: what was erased after a backup was taken is readable again when it was restored; the log that was archived
 * outside of the database says what.
 * @param sealAll what waits in the inbox is in the clear
 */
export function reshredCommand(sealAll: () => Promise<number>): FeatureCommand {
  return {
    name: 'audit:reshred',
    summary: 'after a restore: erase again what the archive of a log says was erased',
    options: {
      file: { type: 'string', description: 'a file of audit:archive, made after the erasures', required: true },
    },
    async run(platform, options) {
      const file = resolve(String(options['file']))
      // It deletes keys for good: a file that somebody else wrote or cut must not decide which.
      const verdict = await verifyArchive(linesOf(file)).catch((error: unknown) => {
        throw refused(error instanceof Error ? error.message : String(error))
      })
      if (!verdict.valid) throw refused(`entry ${verdict.firstBad ?? 0} is ${verdict.reason ?? 'wrong'}`)
      await sealAll()
      let [erasures, keys] = [0, 0]
      for await (const line of linesOf(file)) {
        const { action, targetId, tenantId, occurredAt } = JSON.parse(line) as Readonly<Record<string, unknown>>
        if (action !== ERASED) continue
        erasures += 1
        keys += await eraseSubject(platform, {
          subject: String(targetId),
          tenantId: tenantId === PLATFORM ? undefined : String(tenantId),
          before: new Date(String(occurredAt)),
        })
      }
      return { erasures, keys }
    },
  }
}

function linesOf(file: string): Interface {
  return createInterface({ input: createReadStream(file), crlfDelay: Infinity })
}

function refused(message: string): Error {
  return problem('validation_failed', { errors: [{ path: '--file', code: 'invalid', message }] })
}
