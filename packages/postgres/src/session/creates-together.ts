import type { CreateOperation, RawRow, ResourceInfo, Scope } from '@plinth/core'
import { classify } from '../errors/connection-trouble.ts'
import { printCreate } from '../statements/create.ts'
import { printCreateTogether, type AskedCreate } from '../statements/create-together.ts'
import { columnsGiven } from '../statements/many.ts'
import type { Printing } from '../statements/printing.ts'
import { resourceSql } from '../statements/resource-sql.ts'
import { Pace } from './pace.ts'
import type { Runner } from './runner.ts'

/** Statements of one principal that create rows of one resource at the same time; further ones wait for one of them to end. */
const AT_ONCE = 3
/** How long one waits for that, in milliseconds. */
const LONGEST_WAIT_MS = 10
/** Characters of one statement. */
const MOST_CHARACTERS = 256 * 1024
/** How long everyone goes by himself after a statement of several was refused, in milliseconds. */
const ALONE_MS = 1_000

interface Asked extends AskedCreate {
  readonly runner: Runner
}

interface Waiting extends Asked {
  readonly characters: number
  readonly resolve: (row: RawRow | undefined) => void
  readonly reject: (error: unknown) => void
}

interface Line {
  readonly name: string
  readonly pace: Pace
  running: number
  aloneUntil: number
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
 * itself. Nor held up by it: a statement of several gives up a lock soon. All rows of a statement are of one tenant and of one principal,
 * so that whatever goes wrong stays between them.
 */
export class CreatesTogether {
  readonly #lines = new Map<string, Line>()
  readonly #paces = new WeakMap<ResourceInfo, Pace>()
  readonly #printing: Printing

  constructor(printing: Printing) {
    this.#printing = printing
  }

  /** The row that was made; undefined where a trigger made none. */
  run(runner: Runner, operation: CreateOperation, scope: Scope): Promise<RawRow | undefined> {
    const line = this.#lineOf(operation.resource, scope)
    const characters = line.running < AT_ONCE ? 0 : charactersOf(operation)
    if (line.running < AT_ONCE || characters > MOST_CHARACTERS || !this.#mayShare(line, operation))
      return this.#count(line, this.#alone(line, { operation, scope, runner }))
    return new Promise((resolve, reject) => {
      line.waiting.push({ operation, scope, runner, characters, resolve, reject })
      line.timer ??= setTimeout(() => this.#send(line), LONGEST_WAIT_MS)
    })
  }

  #mayShare(line: Line, { resource, id }: CreateOperation): boolean {
    // An id that the database makes tells nobody which row is his; one of another type may be printed otherwise than it was given.
    return id !== null && !resourceSql(resource).ownKey && line.pace.most > 1 && line.aloneUntil < Date.now()
  }

  #lineOf(resource: ResourceInfo, { tenantId, facts }: Scope): Line {
    const name = `${resource.name} ${tenantId} ${facts.principalId ?? ''}`
    let line = this.#lines.get(name)
    if (line) return line
    let pace = this.#paces.get(resource)
    if (!pace) this.#paces.set(resource, (pace = new Pace()))
    line = { name, pace, running: 0, aloneUntil: 0, waiting: [], timer: undefined }
    this.#lines.set(name, line)
    return line
  }

  async #count<T>(line: Line, work: Promise<T>): Promise<T> {
    line.running += 1
    try {
      return await work
    } finally {
      line.running -= 1
      if (line.waiting.length > 0) {
        if (line.running < AT_ONCE) this.#send(line)
      } else if (line.running === 0) this.#lines.delete(line.name)
    }
  }

  /** All that wait: those that are alike together. */
  #send(line: Line): void {
    clearTimeout(line.timer)
    line.timer = undefined
    const most = line.aloneUntil < Date.now() ? line.pace.most : 1
    for (const group of groupsOf(line.waiting.splice(0), most)) void this.#count(line, this.#settle(line, group))
  }

  /** Never rejects: each of them learns what became of his own. */
  async #settle(line: Line, group: readonly [Waiting, ...Waiting[]]): Promise<void> {
    const [first, ...others] = group
    if (others.length === 0) return this.#alone(line, first).then(first.resolve, first.reject)
    const startedAt = performance.now()
    try {
      const rows = await first.runner.run(printCreateTogether(group, this.#printing), 'create')
      line.pace.took(group.length, performance.now() - startedAt)
      const byId = new Map(rows.map((row) => [String(row['id']), row]))
      for (const { operation, resolve } of group) resolve(byId.get(String(operation.id).toLowerCase()))
    } catch (error) {
      if (!refusedAlone(error)) {
        for (const { reject } of group) reject(error)
        return
      }
      line.aloneUntil = Date.now() + ALONE_MS
      await Promise.all(group.map((one) => this.#alone(line, one).then(one.resolve, one.reject)))
    }
  }

  async #alone(line: Line, { operation, scope, runner }: Asked): Promise<RawRow | undefined> {
    const startedAt = performance.now()
    const [row] = await runner.run(printCreate(operation, scope, this.#printing), 'create')
    line.pace.took(1, performance.now() - startedAt)
    return row
  }
}

/**
 * Whether the server answered, and so wrote nothing, for a reason that may be one of them alone. Where it is slow or full, it is so for
 * each; where the answer was lost, they may be written.
 */
function refusedAlone(error: unknown): boolean {
  const { kind, code, sent } = classify(error)
  if (sent !== true) return false
  return kind === 'timeout' ? code === LOCK_NOT_AVAILABLE : kind !== 'overloaded'
}

const LOCK_NOT_AVAILABLE = '55P03'

/** In their order, those that differ in nothing but the row and the request. */
function groupsOf(waiting: readonly Waiting[], most: number): readonly (readonly [Waiting, ...Waiting[]])[] {
  const groups: { readonly like: string; characters: number; readonly of: [Waiting, ...Waiting[]] }[] = []
  for (const one of waiting) {
    const like = likeness(one)
    const group = groups.findLast((other) => other.like === like)
    if (group && group.of.length < most && group.characters + one.characters <= MOST_CHARACTERS) {
      group.of.push(one)
      group.characters += one.characters
    } else groups.push({ like, characters: one.characters, of: [one] })
  }
  return groups.map(({ of }) => of)
}

/** All that a statement says of its rows together. */
function likeness({ operation, scope }: AskedCreate): string {
  const { actor, facts, onBehalfOf, client } = scope
  return JSON.stringify([
    actor.kind,
    actor.id,
    onBehalfOf,
    client?.address,
    client?.userAgent,
    facts.userId,
    facts.groupIds,
    operation.ownerUserId,
    columnsGiven(operation),
  ])
}

function charactersOf({ values }: CreateOperation): number {
  let characters = 0
  for (const value of values.values()) characters += value?.length ?? 0
  return characters
}
