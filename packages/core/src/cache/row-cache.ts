import { always, oneOf } from '../condition/condition.ts'
import { closedView, openView } from '../fields/field-view.ts'
import type { RawRow, Session } from '../ports/database.ts'
import { fieldOf, type ResourceInfo } from '../resource/resource-info.ts'

const MOST_BYTES = 32 * 1_048_576
/** In one statement; what is beyond is read anew. */
const MOST_AT_ONCE = 1_000

interface Entry {
  readonly row: RawRow
  readonly bytes: number
  readonly group: Group
  readonly id: string
  /** When the statement began that read the row, or saw that it is unchanged. */
  at: number
  /** Of the group, at that time. */
  generation: number
  /** Whether somebody asked for it since. */
  used: boolean
}

interface Running<T> {
  readonly at: number
  readonly generation: number
  readonly done: Promise<T>
}

/** The rows of one resource in one tenant. */
interface Group {
  readonly key: string
  /** Counted up with every write that this process hears of. */
  generation: number
  readonly rows: Map<string, Entry>
  readonly loading: Map<string, Running<RawRow | undefined>>
  checking: Running<void> | undefined
}

export interface CachedRead {
  /** In the tenant: its row-level security is asked by every statement. */
  readonly session: Pick<Session, 'read' | 'list'>
  readonly tenantId: string
  readonly resource: ResourceInfo
  readonly id: string
  /** Milliseconds that the row may be old. */
  readonly maxAge: number
}

/**
 * Rows by id, whole and nobody's in particular: who may see what of them is asked of each reader afterwards. A write in this process is
 * seen at once, one in another as soon as its message is here. Whatever becomes of messages, what comes back was so within `maxAge`: once a
 * row is older, one statement asks of all rows of its resource and tenant that are in use whether they are unchanged, and only those that
 * are not are read again. Nothing is kept of rows that are not there.
 */
export class RowCache {
  readonly #groups = new Map<string, Group>()
  /** The least recently used first. */
  readonly #recent = new Set<Entry>()
  readonly #now: () => number
  readonly #mostBytes: number
  #bytes = 0

  /** @param options.now milliseconds of a clock that only runs forward */
  constructor({
    now = () => performance.now(),
    mostBytes = MOST_BYTES,
  }: { now?: () => number; mostBytes?: number } = {}) {
    this.#now = now
    this.#mostBytes = mostBytes
  }

  /** About how much is kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** The row as the database has it, without restricted fields withheld; undefined where there is none. */
  async read(reading: CachedRead): Promise<RawRow | undefined> {
    const group = this.#groupOf(reading)
    const { id, maxAge } = reading
    const known = group.rows.get(id)
    if (known && !this.#isFresh(known, maxAge)) await this.#check(known, reading)
    const entry = group.rows.get(id)
    // Anew: the last row of the group may have been dropped, and with it the group.
    if (!entry || !this.#isFresh(entry, maxAge)) return this.#load(this.#groupOf(reading), reading)
    entry.used = true
    this.#recent.delete(entry)
    this.#recent.add(entry)
    return entry.row
  }

  /**
   * A row of this resource was written: what is known of any is asked for again before it is used.
   * @param written undefined where it may have been any
   */
  forget(written: { readonly tenantId: string; readonly resource: string } | undefined): void {
    const group = written && this.#groups.get(keyOf(written.tenantId, written.resource))
    if (group) group.generation += 1
    else if (!written) for (const each of this.#groups.values()) each.generation += 1
  }

  #isFresh({ at, generation, group }: Entry, maxAge: number): boolean {
    return generation === group.generation && this.#now() - at < maxAge
  }

  #groupOf({ tenantId, resource }: CachedRead): Group {
    const key = keyOf(tenantId, resource.name)
    const known = this.#groups.get(key)
    if (known) return known
    const made: Group = { key, generation: 0, rows: new Map(), loading: new Map(), checking: undefined }
    this.#groups.set(key, made)
    return made
  }

  #load(group: Group, { session, resource, id, maxAge }: CachedRead): Promise<RawRow | undefined> {
    const { generation } = group
    const at = this.#now()
    const running = group.loading.get(id)
    // A hundred who ask at once ask once.
    if (running && running.generation === generation && at - running.at < maxAge) return running.done
    const done = session
      .read({ resource, id, visible: always, view: openView(resource) })
      .then((row) => {
        // Written meanwhile: it may be the row as it was before.
        if (row && group.generation === generation) this.#keep(group, id, row, at)
        return row
      })
      .finally(() => {
        if (group.loading.get(id)?.done === done) group.loading.delete(id)
        this.#leave(group)
      })
    group.loading.set(id, { at, generation, done })
    return done
  }

  #check(wanted: Entry, { session, resource, maxAge }: CachedRead): Promise<void> {
    const { group } = wanted
    const { generation } = group
    const at = this.#now()
    const running = group.checking
    if (running && running.generation === generation && at - running.at < maxAge) return running.done
    const asked: Entry[] = []
    for (const entry of group.rows.values()) {
      if ((entry.used || entry === wanted) && asked.length < MOST_AT_ONCE) asked.push(entry)
      else this.#drop(entry)
    }
    const [key, version, updatedAt] = ['id', 'version', 'updatedAt'].map((name) => fieldOf(resource, name))
    const done = session
      .list({
        resource,
        where: oneOf(
          'id',
          asked.map(({ row }) => String(row['id'])),
        ),
        sort: [{ field: key!, descending: false }],
        after: undefined,
        limit: asked.length,
        offset: 0,
        fields: [key!, version!, updatedAt!],
        view: closedView(resource),
      })
      .then((rows) => {
        const seen = new Map(rows.map((row) => [String(row['id']), row]))
        for (const entry of asked) {
          if (group.rows.get(entry.id) !== entry) continue
          const now = seen.get(String(entry.row['id']))
          // A key that was given away and taken again begins at version 1 once more; its time is another.
          if (now?.['version'] !== entry.row['version'] || now?.['updatedAt'] !== entry.row['updatedAt'])
            this.#drop(entry)
          else Object.assign(entry, { at, generation, used: false })
        }
      })
      .finally(() => {
        if (group.checking?.done === done) group.checking = undefined
        this.#leave(group)
      })
    group.checking = { at, generation, done }
    return done
  }

  #keep(group: Group, id: string, row: RawRow, at: number): void {
    const before = group.rows.get(id)
    if (before) this.#drop(before)
    const entry = { row, bytes: bytesOf(row), group, id, at, generation: group.generation, used: true }
    group.rows.set(id, entry)
    this.#recent.add(entry)
    this.#bytes += entry.bytes
    for (const oldest of this.#recent) {
      if (this.#bytes <= this.#mostBytes) break
      this.#drop(oldest)
    }
  }

  #drop(entry: Entry): void {
    if (!this.#recent.delete(entry)) return
    this.#bytes -= entry.bytes
    entry.group.rows.delete(entry.id)
    this.#leave(entry.group)
  }

  /** A tenant that nobody asks for any more takes no room. */
  #leave(group: Group): void {
    if (group.rows.size > 0 || group.loading.size > 0 || group.checking) return
    if (this.#groups.get(group.key) === group) this.#groups.delete(group.key)
  }
}

function keyOf(tenantId: string, resource: string): string {
  return `${tenantId}|${resource}`
}

/** Two bytes a character at worst, and what an object and its fields take beside them. */
function bytesOf(row: RawRow): number {
  let bytes = 200
  for (const value of Object.values(row)) bytes += 32 + (typeof value === 'string' ? value.length * 2 : 8)
  return bytes
}
