import type { Feature, Platform } from '@plinth/core'
import { PLATFORM } from './entry/chained-entry.ts'
import { acknowledgeCommand } from './commands/acknowledge-command.ts'
import { bookCommands } from './commands/book-commands.ts'
import { reshredCommand } from './commands/reshred-command.ts'
import { exportRoute } from './read/export-route.ts'
import { operatorRoute } from './read/operator-route.ts'
import { readRoutes } from './read/read-routes.ts'
import { streamRoute } from './read/stream-route.ts'
import { verifyRoutes } from './verify/verify-routes.ts'
import { migrations } from './migrations.ts'
import { observeAudit } from './observe.ts'
import { recordEvent, recordWrite } from './recorded.ts'
import { Refusals } from './refusals.ts'
import { BackgroundSealing } from './seal/background.ts'
import { resealBookKeys } from './seal/book-keys.ts'
import { Sealer, type EntryHandler } from './seal/sealer.ts'
import { eraseSubject, resealAllSubjectKeys } from './seal/shred.ts'
import { auditCheckpoints, auditInbox, auditLogs, auditSubjectKeys } from './tables.ts'
import type { ChainVerdict } from './verify/chain-verifier.ts'
import { verifyAndTell } from './verify/verify-book.ts'
import { writeEntry } from './write-entry.ts'

export interface AuditOptions {
  /**
   * Told of new entries in this process, when they are in the book: each batch of one chain once, by the process that put it there. What
   * it throws is logged and not repeated; who must miss nothing reads `GET /audit-logs/stream`.
   */
  readonly onEntries?: EntryHandler
}

/** The feature, and what a program does with the book as the platform itself. */
export interface AuditFeature extends Feature {
  /**
   * Puts everything that was written before the call into the book, of one tenant or of all.
   * @param tenantId null for the chain of the platform
   */
  seal(tenantId?: string | null): Promise<number>
  /**
   * Reads the whole log of a tenant and says whether it is as it was written.
   * @param tenantId null for the chain of the platform
   */
  verifyLog(tenantId: string | null): Promise<ChainVerdict>
  /** Writes what was only counted of refusals so far, without waiting for the end of the minute. */
  flushRefusals(): Promise<void>
  /**
   * Erases the personal parts of all entries about somebody, in one tenant or everywhere: their key is deleted. The chain verifies as
   * before. It is an entry itself (`subject.erased`), of the tenant or of the platform, by which `plinth audit:reshred` repeats it.
   * @param subject `user:<id>`, or of a row with personal fields `customer:<id>`
   * @returns how many keys there were
   */
  shredSubject(subject: string, tenantId?: string): Promise<number>
}

interface Parts {
  readonly platform: Platform
  readonly sealer: Sealer
  readonly background: BackgroundSealing
  readonly refusals: Refusals
}

/** Who did what, when, from where: an append-only log of every change, with a hash chain per tenant. One object belongs to one platform. */
export function audit(options: AuditOptions = {}): AuditFeature {
  let started: Parts | undefined
  const parts = (): Parts => {
    if (!started) throw new Error('audit() belongs to no platform yet')
    return started
  }
  const sealer = (): Sealer => parts().sealer
  const all = async (): Promise<number> => {
    let count = 0
    for (let sealed = -1; sealed !== 0; count += sealed) sealed = await parts().sealer.sealAll()
    return count
  }
  return {
    name: 'audit',
    tables: [auditInbox, auditLogs, auditSubjectKeys, auditCheckpoints],
    migrations,
    travels: {
      'plinth.audit_inbox': { stays: 'what happened on this platform' },
      'plinth.audit_logs': { stays: 'what happened on this platform; its chain verifies there' },
      'plinth.audit_checkpoints': { stays: 'what is known of the chain that stays' },
      'plinth.audit_subject_keys': { stays: 'keys of the log that stays' },
    },
    permissions: { auditLog: ['read'] },
    routes: () => [
      ...readRoutes(sealer),
      ...verifyRoutes(sealer),
      exportRoute(sealer),
      streamRoute(sealer),
      operatorRoute(sealer),
    ],
    commands: [...bookCommands(sealer), acknowledgeCommand(sealer), reshredCommand(sealer, all)],
    record: recordWrite,
    recordEvent,
    start(platform) {
      // Put together anew (a test's template): what ran for the platform before does not go on.
      void started?.background.stop()
      const sealer = new Sealer(platform, options.onEntries)
      started = {
        platform,
        sealer,
        background: new BackgroundSealing(sealer, platform.log),
        refusals: new Refusals(platform),
      }
    },
    observe: observeAudit,
    background: () => parts().background.start(),
    async stop() {
      await started?.background.stop()
      await started?.refusals.end()
    },
    async reseal({ database, secrets }) {
      return (await resealBookKeys(database, secrets)) + (await resealAllSubjectKeys(database, secrets))
    },
    slots: {
      audit: () => ({
        record: (runner, draft) => writeEntry(runner, draft),
        refused: (draft) => parts().refusals.tell(draft),
      }),
    },
    seal: (tenantId) => (tenantId === undefined ? all() : parts().sealer.seal(tenantId ?? PLATFORM)),
    verifyLog: (tenantId) => verifyAndTell(parts().platform, parts().sealer, tenantId ?? PLATFORM),
    flushRefusals: () => parts().refusals.flush(true),
    async shredSubject(subject, tenantId) {
      // What waits in the inbox is in the clear.
      await (tenantId === undefined ? all() : parts().sealer.seal(tenantId))
      return eraseSubject(parts().platform, { subject, tenantId })
    },
  }
}
