import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { observeAudit } from '../src/observe.ts'
import { readCheckpoint, type CheckpointFile } from '../src/verify/checkpoint.ts'
import { openBook, type Book } from './open-book.ts'

/** A book that is changed as a superuser and is put back as it was before each test. */
export interface KeptBook {
  readonly book: Book
  /** Of the tenant whose chain is changed. */
  readonly id: string
  readonly asSuperuser: (sql: string) => Promise<void>
  /** So many entries of one kind, not sealed yet. @param tenant default: that of {@link id} */
  readonly put: (count: number, tenant?: string) => Promise<void>
  /** Seals what there is; that is put back from then on. */
  readonly keep: () => Promise<void>
  /** Puts the entries back, and leaves what is kept beside them. */
  readonly putBack: () => Promise<void>
  readonly command: Book['command']
  /** A name for a file that there is not. */
  readonly out: () => string
  /** As the check `audit` says. */
  readonly health: () => Promise<void>
}

/** Opened and closed with the tests of the file that calls it. Nobody seals meanwhile but they. */
export function keptBook(entries: number, options: Parameters<typeof openBook>[0] = {}): KeptBook {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-kept-book-'))
  let opened: Book | undefined
  let files = 0
  const asSuperuser = (sql: string): Promise<void> =>
    opened!.platform.superuser.script(
      `set session_replication_role = replica; ${sql}; set session_replication_role = default`,
    )
  const kept: KeptBook = {
    get book() {
      return opened!
    },
    get id() {
      return opened!.platform.a.id
    },
    asSuperuser,
    put: (count, tenant = kept.id) =>
      opened!.platform.superuser.script(`
        insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
        select '${tenant}', now(), 'user', 'guilty', 'thing.happened', 'r' || n from generate_series(1, ${count}) n`),
    async keep() {
      await opened!.feature.seal()
      await asSuperuser('drop table if exists plinth_kept; create table plinth_kept as select * from plinth.audit_logs')
    },
    putBack: () =>
      asSuperuser(`
        truncate plinth.audit_logs; insert into plinth.audit_logs select * from plinth_kept; delete from plinth.audit_inbox`),
    command: (...command) => opened!.command(...command),
    out: () => join(folder, `${(files += 1)}`),
    health: () => observeAudit(opened!.inner).checks![0]!.check(AbortSignal.timeout(5_000)),
  }
  beforeAll(async () => {
    opened = await openBook(options)
    await opened.feature.stop?.()
    await kept.put(entries)
    await kept.keep()
  }, 60_000)
  afterAll(async () => {
    await opened?.close()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(async () => {
    await kept.putBack()
    await asSuperuser('delete from plinth.audit_checkpoints')
  })
  return kept
}

/** The error of a command that found this. */
export const found = (words: string) => ({ code: 'conflict', detail: expect.stringContaining(words) })

/** The checkpoints of a file: tenant → number of the entry. */
export function signedIn(file: string): ReadonlyMap<string, number> {
  const { checkpoints, keys } = JSON.parse(readFileSync(file, 'utf8')) as CheckpointFile
  return new Map(checkpoints.map((jws) => readCheckpoint(jws, keys)!).map(({ tenant, seq }) => [tenant, seq]))
}
