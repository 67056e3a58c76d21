import type { CreateOperation, RawRow, ResourceInfo, Scope } from '@plinth/core'
import { classify } from '../../errors/connection-trouble.ts'
import { printCreate } from '../../statements/create.ts'
import { printCreateTogether, type AskedCreate } from '../../statements/create-together.ts'
import { givenValues } from '../../statements/many.ts'
import type { Printing } from '../../statements/printing.ts'
import { resourceSql } from '../../statements/resource-sql.ts'
import type { Runner } from '../runner.ts'
import { charactersOf, groupsOf, likenessOf, MOST_CHARACTERS, type Alike, type Group } from './alike.ts'
import { Pace } from './pace.ts'
import { Trust } from './trust.ts'

/** Statements of one principal that create rows of one resource at the same time; who comes then waits for one of them to end. */
const AT_ONCE = 3
/** How long one waits for that, in milliseconds. */
const LONGEST_WAIT_MS = 10
/** How long a statement counts, in milliseconds: for one that waits for a lock nobody waits. */
const COUNTED_MS = 20
/** How long those that are refused when the database closes have to be run by themselves, in milliseconds. */
const LAST_MS = 5_000
/** Principals of whose creates is remembered how they go. */
const MOST_LINES = 1_000

/** SQLSTATE of a statement that took longer than it may. */
const QUERY_CANCELED = '57014'

interface Asked extends AskedCreate {
  readonly runner: Runner
}

interface Waiting extends Asked, Alike {
  readonly resolve: (row: RawRow | undefined) => void
  readonly reject: (error: unknown) => void
}

/** What one principal creates of one resource. */
interface Line {
  readonly pace: Pace
  readonly trust: Trust
  /** Those that run, in the order of their beginning. */
  readonly running: Set<{ readonly since: number }>
  waiting: Waiting[]
  timer: NodeJS.Timeout | undefined
}

/**
 * Creates that one principal asks for at the same time go together, one statement and one commit for as many as wait meanwhile: of 280 µs
 * of CPU that PostgreSQL takes for a create with entry and event, most is spent once for each statement, however many rows it has. The
 * first few go at once, so that nobody waits where there is nothing to wait for; one who waits does so for the end of a statement, as
 * behind a busy connection, and for ten milliseconds at most.
 *
 * Nobody is refused for what another one asked for: a statement that the server refused has written nothing, and each is then run by
 * itself. All rows of a statement are of one tenant and of one principal, so that whatever goes wrong stays between them.
 */
export class CreatesTogether {
  readonly #lines = new Map<string, Line>()
  readonly #printing: Printing
  readonly #settling = new Set<Promise<void>>()

  constructor(printing: Printing) {
    this.#printing = printing
  }

  /** How many callers are remembered. */
  get size(): number {
    return this.#lines.size
  }

  /** The row that was made; undefined where a trigger made none. */
  run(runner: Runner, operation: CreateOperation, scope: Scope): Promise<RawRow | undefined> {
    const line = this.#lineOf(operation.resource, scope)
    const asked = { operation, scope, runner }
    if (!isBusy(line) || !mayShare(line, operation)) return this.#count(line, this.#alone(line, asked))
    // What our code makes is made here, where whoever asks can be told of, and for him.
    const complete = { ...asked, operation: { ...operation, values: new Map(givenValues(operation)) } }
    const likeness = likenessOf(complete)
    const characters = charactersOf(complete)
    if (characters > MOST_CHARACTERS) return this.#count(line, this.#alone(line, complete))
    return new Promise((resolve, reject) => {
      line.waiting.push({ ...complete, likeness, characters, resolve, reject })
      line.timer ??= setTimeout(() => this.#send(line), LONGEST_WAIT_MS)
    })
  }

  /** Sends all that wait, and resolves when each of them has his answer: nothing is asked for any more. */
  async flush(): Promise<void> {
    for (const line of this.#lines.values()) this.#send(line)
    if (this.#settling.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, LAST_MS)
    await Promise.race([Promise.all(this.#settling), promise])
    clearTimeout(timer)
  }

  #lineOf(resource: ResourceInfo, { tenantId, facts }: Scope): Line {
    const name = `${resource.name} ${tenantId} ${facts.principalId ?? ''}`
    const known = this.#lines.get(name)
    if (known) return known
    if (this.#lines.size >= MOST_LINES) this.#forgetIdle()
    const line: Line = { pace: new Pace(), trust: new Trust(), running: new Set(), waiting: [], timer: undefined }
    this.#lines.set(name, line)
    return line
  }

  #forgetIdle(): void {
    for (const [name, { running, waiting }] of this.#lines)
      if (running.size === 0 && waiting.length === 0) this.#lines.delete(name)
  }

  async #count<T>(line: Line, work: Promise<T>): Promise<T> {
    const one = { since: performance.now() }
    line.running.add(one)
    try {
      return await work
    } finally {
      line.running.delete(one)
      if (line.waiting.length > 0 && !isBusy(line)) this.#send(line)
    }
  }

  /** All that wait: those that are alike together, but for one now and then, which tells what a row costs by itself. */
  #send(line: Line): void {
    clearTimeout(line.timer)
    line.timer = undefined
    const { pace, trust } = line
    const waiting = line.waiting.splice(0)
    const single = waiting.length > 2 && pace.wantsOne ? waiting.shift() : undefined
    if (single) this.#begin(line, [single])
    for (const group of groupsOf(waiting, trust.holds ? pace.most : 1)) this.#begin(line, group)
  }

  #begin(line: Line, group: Group<Waiting>): void {
    const settling = this.#count(line, this.#settle(line, group)).finally(() => this.#settling.delete(settling))
    this.#settling.add(settling)
  }

  /** Never rejects: each of them learns what became of his own. */
  async #settle(line: Line, group: Group<Waiting>): Promise<void> {
    const [first, ...others] = group
    if (others.length === 0) return this.#alone(line, first).then(first.resolve, first.reject)
    const startedAt = performance.now()
    try {
      const rows = await first.runner.run(printCreateTogether(group, this.#printing), 'create', 'once')
      line.pace.took(group.length, performance.now() - startedAt)
      line.trust.done()
      const byId = new Map(rows.map((row) => [String(row['id']), row]))
      for (const { operation, resolve } of group) resolve(byId.get(String(operation.id).toLowerCase()))
    } catch (error) {
      const { kind, code, sent } = classify(error)
      // Not after a lock: that somebody else had it says nothing of what a row costs.
      if (code === QUERY_CANCELED) line.pace.took(group.length, performance.now() - startedAt)
      if (kind !== 'connection' && kind !== 'overloaded' && kind !== 'read_only') line.trust.refused()
      // Where the answer was lost, they may be written. Where there was no connection in all the time that one may wait, there is none now.
      const isInVain = kind === 'read_only' || (kind === 'overloaded' && sent === false)
      if (sent === 'unknown' || isInVain) for (const { reject } of group) reject(error)
      else await Promise.all(group.map((one) => this.#alone(line, one).then(one.resolve, one.reject)))
    }
  }

  async #alone(line: Line, { operation, scope, runner }: Asked): Promise<RawRow | undefined> {
    const startedAt = performance.now()
    const [row] = await runner.run(printCreate(operation, scope, this.#printing), 'create')
    line.pace.took(1, performance.now() - startedAt)
    return row
  }
}

/** Whether as many run as begin at once. */
function isBusy({ running }: Line): boolean {
  if (running.size < AT_ONCE) return false
  const since = performance.now() - COUNTED_MS
  let counted = 0
  // The last ones are the youngest.
  for (const one of [...running].slice(-AT_ONCE)) if (one.since > since) counted += 1
  return counted >= AT_ONCE
}

/** An id that the database makes tells nobody which row is his; one of another type may be printed otherwise than it was given. */
function mayShare({ pace, trust }: Line, { resource, id }: CreateOperation): boolean {
  return id !== null && !resourceSql(resource).ownKey && trust.holds && pace.most > 1
}
