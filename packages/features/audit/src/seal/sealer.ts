import { PlinthError, statement, type Database, type Platform, type StatementRunner } from '@plinth/core'
import {
  contentOf,
  hashOf,
  idOf,
  macOf,
  NO_HASH,
  PLATFORM,
  type ChainedEntry,
  type EntryFacts,
} from '../entry/chained-entry.ts'
import { storedTime } from '../entry/stored-time.ts'
import { auditEvents } from '../log-events.ts'
import { headOf } from '../verify/read-chain.ts'
import { bookKeys, type BookKeys } from './book-keys.ts'
import { sealPart, type PartKey } from './part-key.ts'
import type { PersonalPart } from './read-inbox.ts'
import { keysOf } from './subject-keys.ts'
import { entryFrom } from './unreadable-entry.ts'

/** Entries of one transaction: enough to be cheap, few enough not to hold the chain for long. */
const BATCH = 1_000
/** And bytes of what they say, up to the entry that goes beyond: a thousand rows of a megabyte each would be the end of the process. */
const MOST_BYTES = 16_777_216
/** Chains that are asked for at once. */
const CHAINS = 200
/** Below and above every position of the inbox. */
const FIRST = '-9223372036854775808'
const LAST = '9223372036854775807'

interface SealedBatch {
  readonly entries: readonly ChainedEntry[]
  readonly more: boolean
}

/** Told of entries as they are stored: what is personal is encrypted. */
export type EntryHandler = (entries: readonly ChainedEntry[]) => Promise<void> | void

/**
 * Moves entries from the inbox into the book: one chain at a time under its lock, so that no number is given twice and none is left
 * out. It works here and not in the database, because what is personal is encrypted under keys that the database does not have.
 */
export class Sealer {
  readonly #platform: Platform
  readonly #onEntries: EntryHandler | undefined
  #keys: Promise<BookKeys> | undefined

  /** @param onEntries told of what is in the book, after it was committed */
  constructor(platform: Platform, onEntries?: EntryHandler) {
    this.#platform = platform
    this.#onEntries = onEntries
  }

  /** The keys of the book; asked for once. */
  keys(): Promise<BookKeys> {
    const { database, secrets, clock } = this.#platform
    this.#keys ??= bookKeys(database, secrets, clock.now()).catch((error: unknown) => {
      this.#keys = undefined
      throw error
    })
    return this.#keys
  }

  /** Everything of this chain that was committed before the call is in the book after it. How many entries. */
  async seal(tenantId: string): Promise<number> {
    const keys = await this.keys()
    let count = 0
    let singly = 0
    for (let more = true; more;) {
      const limit = singly > 0 ? 1 : BATCH
      const batch = await this.#batch(tenantId, keys, limit).catch((error: unknown) => {
        // Not for what it says: the database is away, or others were faster.
        if (PlinthError.is(error) && (error.status >= 500 || error.code === 'conflict')) throw error
        // One of them is not taken, and would hold up all others for ever: they go one by one, and that one as what it is.
        if (limit > 1) singly = BATCH + 1
        return limit > 1 ? { entries: [], more: true } : this.#batch(tenantId, keys, 1, true)
      })
      singly -= 1
      count += batch.entries.length
      await this.#tell(batch.entries)
      more = batch.more
    }
    if (count > 0) this.#platform.log.debug(auditEvents.sealed, { tenant: tenantId, entries: count })
    return count
  }

  /**
   * The same for who verifies. What keeps entries from being put there may be in the chain itself, as one with the highest number that there
   * is: then that is what is to be found, and an error would hide it.
   * @returns false where it could not be done; the log says why
   */
  async trySeal(tenantId: string): Promise<boolean> {
    try {
      await this.seal(tenantId)
      return true
    } catch (error) {
      this.#platform.log.warn(auditEvents.notSealed, { tenant: tenantId, error })
      return false
    }
  }

  /**
   * Every chain with something in the inbox, once: however many of the first are filled again meanwhile, the last has its turn. How many
   * entries.
   * @param isEnding asked before each chain
   * @throws the first error, when all others have had their turn: one chain that cannot be sealed holds up no other
   */
  async sealAll(isEnding = (): boolean => false): Promise<number> {
    let count = 0
    const errors: unknown[] = []
    let chains: readonly string[] = []
    do {
      chains = await waiting(this.#platform.database, chains.at(-1))
      for (const tenantId of chains) {
        if (isEnding()) break
        count += await this.seal(tenantId).catch((error: unknown) => {
          errors.push(error)
          return 0
        })
      }
    } while (chains.length === CHAINS && !isEnding())
    if (errors.length > 0) throw errors[0]
    return count
  }

  /** Whoever listens holds up no entry: what he throws is in the log. */
  async #tell(entries: readonly ChainedEntry[]): Promise<void> {
    if (!this.#onEntries || entries.length === 0) return
    try {
      await this.#onEntries(entries)
    } catch (error) {
      this.#platform.log.error(auditEvents.handlerFailed, { entries: entries.length, error })
    }
  }

  #batch(tenantId: string, keys: BookKeys, limit: number, suspect = false): Promise<SealedBatch> {
    return this.#platform.database.system((system) => this.#sealBatch(system, tenantId, keys, limit, suspect))
  }

  async #sealBatch(
    system: StatementRunner,
    tenantId: string,
    keys: BookKeys,
    limit: number,
    suspect: boolean,
  ): Promise<SealedBatch> {
    const { secrets, clock } = this.#platform
    // In a statement of its own: what comes after it sees what the holder before has committed. And by indexes and places alone: a plan
    // that was made when the tables were empty reads and sorts all of them, and is kept. It read the books of all tenants for each batch
    // of one, and compared each row of the inbox with each place (240 to 2,800 µs an entry instead of 90, of 200 tenants). Nothing is
    // compiled: what is off looks dear to PostgreSQL before 18 where there is no way around it, as for the last sort of a batch.
    await system.run(statement`
      select pg_advisory_xact_lock(hashtextextended('plinth audit ' || ${tenantId}::text, 0)),
        set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`)
    const head = await headOf(system, tenantId)
    // By their places in the file: as a join of keys, a batch of a table without statistics was read once for each of its rows.
    const rows = await system.run(statement`
      with first as (
        select ctid as place, position, coalesce(octet_length(before::text), 0) + coalesce(octet_length(after::text), 0)
          + coalesce(octet_length(personal::text), 0) + coalesce(octet_length(detail::text), 0) as bytes
        from plinth.audit_inbox where tenant_id = ${tenantId}::uuid order by position limit ${limit}::int),
      summed as (select place, bytes, sum(bytes) over (order by position) as through from first),
      gone as (
        delete from plinth.audit_inbox
        where ctid = any (array(select place from summed where through - bytes < ${MOST_BYTES}::int))
        returning *)
      select ${storedTime} as occurred_at, actor_kind, actor_id, on_behalf_of, action, target, outcome, request_id, repeated, before, after, masked, personal, detail, address, user_agent, position,
        (select sum(bytes) from summed where through - bytes < ${MOST_BYTES}::int) as through
      from gone order by position`)
    if (rows.length === 0) return { entries: [], more: false }
    const written = rows.map((row) => {
      const { entry, problem } = entryFrom(row, suspect)
      if (problem !== undefined)
        this.#platform.log.error(auditEvents.unreadable, {
          tenant: tenantId,
          position: String(row['position']),
          problem,
        })
      return entry
    })
    const parts = written.flatMap(({ origin, personal }) => [origin, personal].flatMap((part) => part?.subject ?? []))
    const subjects = await keysOf(system, secrets, tenantId, [...new Set(parts)], clock.now())
    let { seq, hash: previous } = head ?? { seq: 0, hash: NO_HASH }
    const entries = written.map(({ origin, personal, ...facts }) => {
      seq += 1
      const id = idOf(tenantId, seq)
      const entry: EntryFacts = {
        ...facts,
        tenantId,
        id,
        origin: encrypted(subjects, origin, `${tenantId}|${id}|origin`),
        personal: encrypted(subjects, personal, `${tenantId}|${id}|personal`),
      }
      const hash = hashOf(tenantId, previous, contentOf(seq, entry))
      previous = hash
      return { ...entry, seq, hash, mac: macOf(keys.macKey, hash) }
    })
    await system.run(statement`
      insert into plinth.audit_logs (tenant_id, seq, id, occurred_at, actor_kind, actor_id, on_behalf_of, action, target_type, target_id,
        outcome, request_id, repeated, changes, detail, origin, personal, hash, mac)
      select ${tenantId}::uuid, e."seq", e."id", e."occurredAt", e."actorKind", e."actorId", e."onBehalfOf", e."action", e."targetType",
        e."targetId", e."outcome", e."requestId", e."repeated", e."changes"::json, e."detail"::json, e."origin", e."personal", e."hash", e."mac"
      from json_to_recordset(${JSON.stringify(entries)}::text::json) e("seq" bigint, "id" uuid, "occurredAt" timestamptz, "actorKind" text,
        "actorId" text, "onBehalfOf" text, "action" text, "targetType" text, "targetId" text, "outcome" text, "requestId" text,
        "repeated" int, "changes" text, "detail" text, "origin" text, "personal" text, "hash" text, "mac" text)`)
    return { entries, more: rows.length === limit || Number(rows.at(-1)?.['through']) >= MOST_BYTES }
  }
}

function encrypted(keys: ReadonlyMap<string, PartKey>, part: PersonalPart | undefined, context: string): string | null {
  if (!part) return null
  return sealPart(keys.get(part.subject)!, part.text, context)
}

/** From one tenant with entries to the next: the inbox may hold a million of the first. */
async function waiting(database: Pick<Database, 'system'>, after: string | undefined): Promise<readonly string[]> {
  const [from, position] = after === undefined ? [PLATFORM, FIRST] : [after, LAST]
  const rows = await database.system(async (system) => {
    await system.run(statement`
      select set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`)
    return system.run(statement`
      with recursive t as (
        (select tenant_id, 1 as n from plinth.audit_inbox where (tenant_id, position) > (${from}::uuid, ${position}::bigint)
          order by tenant_id limit 1)
        union all
        select f.tenant_id, t.n + 1 from t cross join lateral (
          select i.tenant_id from plinth.audit_inbox i where i.tenant_id > t.tenant_id order by i.tenant_id limit 1) f
        where t.n < ${CHAINS}::int)
      select tenant_id from t`)
  })
  return rows.map((row) => String(row['tenant_id']))
}
