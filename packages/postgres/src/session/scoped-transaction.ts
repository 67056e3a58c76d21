import {
  acceptEvent,
  acceptsId,
  type CreateOperation,
  type Finish,
  type FixedStatement,
  type IdempotencyKey,
  type KeyClaim,
  type LockManyOperation,
  type LockOperation,
  type ManyOperation,
  type RawRow,
  type Scope,
  type Transaction,
} from '@plinth/core'
import { claimKey, keepAnswer } from '../keys/claim-key.ts'
import { hold } from '../keys/hold.ts'
import { printEmit } from '../statements/emit.ts'
import { printCreate } from '../statements/create.ts'
import { resourceSql } from '../statements/resource-sql.ts'
import { runsAlike, printCreateMany, printDeleteMany, printRestoreMany } from '../statements/many.ts'
import { printTakeEvent } from '../statements/take-event.ts'
import { printLock, printLockMany } from '../statements/lock.ts'
import { scopeClause, scopedStatement } from '../statements/scope-clause.ts'
import type { Printed } from '../statements/statement.ts'
import { printFixed } from './fixed-statement.ts'
import type { TransactionRunner } from './runner.ts'
import { ScopedSession, type SessionParts } from './scoped-session.ts'

const enterText = `${scopeClause(false)} select c.t from c`

const finishTexts = new Map<string, string>()

/** Fails by itself where the statement gave another number of rows, so that the COMMIT that was sent behind it commits nothing. */
function finishing({ text, parameters, shape }: Printed, rows: number): Printed {
  const values = [...parameters, rows]
  let made = finishTexts.get(text)
  if (made === undefined) {
    made = `with finished as (${text}) select 1 / ((select count(*) from finished) = $${values.length}::int)::int as "finished"`
    finishTexts.set(text, made)
  }
  return { text: made, parameters: values, shape }
}

/** A session inside a transaction, with what only makes sense there. */
export class ScopedTransaction extends ScopedSession implements Transaction {
  protected override readonly runner: TransactionRunner
  #entered: Promise<unknown> | undefined

  constructor(scope: Scope, runner: TransactionRunner, parts: SessionParts) {
    super(scope, runner, parts)
    this.runner = runner
  }

  /**
   * The tenant is set by a statement of its own before: nothing in a text of a feature could be relied on to do it first. It is not
   * waited for: where it fails, the transaction is aborted, and PostgreSQL runs nothing behind it.
   */
  async run(statement: FixedStatement): Promise<readonly RawRow[]> {
    const [, rows] = await Promise.all([this.#enter(), this.runner.run(printFixed(statement), 'other')])
    return rows
  }

  finish(statement: FixedStatement, { rows = 1, onSent }: Finish = {}): void {
    const last = finishing(printFixed(statement), rows)
    this.runner.last(this.#entered ? [last] : [this.#entering(), last], onSent)
  }

  within(scope: Scope): Transaction {
    const { tenantId, facts } = this.scope
    // Statements that set nothing themselves rely on what another one of this transaction has set.
    if (scope.tenantId !== tenantId || scope.facts.principalId !== facts.principalId)
      throw new Error('a transaction has one tenant and one principal')
    const same = new ScopedTransaction(scope, this.runner, this.parts)
    same.#entered = this.#entered
    return same
  }

  /** A row that was made before has set the tenant already. */
  #enter(): Promise<unknown> {
    return (this.#entered ??= this.runner.run(this.#entering(), 'other'))
  }

  #entering(): Printed {
    return { text: enterText, parameters: scopedStatement(this.scope, false).parameters, shape: 'fixed' }
  }

  override create(operation: CreateOperation): Promise<RawRow> {
    const made = super.create(operation)
    this.#entered ??= made.catch(() => undefined)
    return made
  }

  until(work: Promise<unknown>): void {
    this.runner.until(work)
  }

  afterCommit(call: () => void): void {
    this.parts.onCommit?.(call)
  }

  async lock(operation: LockOperation): Promise<RawRow | undefined> {
    if (!acceptsId(operation.resource, operation.id)) return undefined
    const [row] = await this.runner.run(printLock(operation, this.scope, this.parts.printing), 'other')
    return row
  }

  hold(name: string, how: 'shared' | 'alone'): Promise<void> {
    return hold(this.runner, this.scope, name, how)
  }

  lockMany(operation: LockManyOperation): Promise<readonly RawRow[]> {
    return this.runner.run(printLockMany(operation, this.scope, this.parts.printing), 'other')
  }

  async createMany(operations: readonly CreateOperation[]): Promise<readonly RawRow[]> {
    const [first] = operations
    if (!first) return []
    const byId = new Map<string, RawRow>()
    // PostgreSQL prints a uuid in lower case; of another key, another case is another row.
    const nameOf = (id: string): string => (resourceSql(first.resource).ownKey ? id : id.toLowerCase())
    const made: RawRow[] = []
    for (const run of runsAlike(operations)) {
      if (run[0]!.id === null) {
        // Which of several rows got which number, one statement would not say for certain.
        for (const operation of run) {
          const [row] = await this.runner.run(printCreate(operation, this.scope, this.parts.printing), 'create')
          if (row) made.push(row)
        }
        continue
      }
      const rows = await this.runner.run(printCreateMany(run, this.scope, this.parts.printing), 'create')
      for (const row of rows) byId.set(nameOf(String(row['id'])), row)
    }
    this.wrote(first.resource, 'created')
    return operations.map((operation) => {
      const row = operation.id === null ? made.shift() : byId.get(nameOf(operation.id))
      if (!row) throw new Error(`${operation.resource.name}: the insert returned no row`)
      return row
    })
  }

  deleteMany(operation: ManyOperation & { readonly purge?: boolean }): Promise<number> {
    return this.#changeMany(operation, 'delete', () => printDeleteMany(operation, this.scope, this.parts.printing))
  }

  restoreMany(operation: ManyOperation): Promise<number> {
    return this.#changeMany(operation, 'update', () => printRestoreMany(operation, this.scope, this.parts.printing))
  }

  async #changeMany(operation: ManyOperation, kind: 'update' | 'delete', print: () => Printed): Promise<number> {
    if (operation.ids.length === 0) return 0
    const [row] = await this.runner.run(print(), kind)
    const changed = Number(row?.['n'] ?? 0)
    if (changed < 0) throw new Error(`${operation.resource.name}: other rows were locked than changed`)
    if (changed > 0) this.wrote(operation.resource, operation.event)
    return changed
  }

  async takeEvent(eventId: string, handler: string, last: boolean): Promise<boolean> {
    const taken = await this.runner.run(printTakeEvent(eventId, handler, last, this.scope), 'other')
    return taken.length > 0
  }

  claimKey(key: IdempotencyKey): Promise<KeyClaim> {
    return claimKey(this.runner, this.scope, key)
  }

  keepAnswer(key: IdempotencyKey, sealed: string, expiresAt: Date): Promise<void> {
    return keepAnswer(this.runner, this.scope, key, sealed, expiresAt)
  }

  async emit(event: Parameters<Transaction['emit']>[0]): Promise<void> {
    // Judged before it is asked who listens: a wrong event must not wait for its first listener to be found out.
    const accepted = acceptEvent(this.parts.printing.events, event)
    // What nobody listens to or records is not stored.
    const printed = printEmit({ ...event, ...accepted }, this.scope, this.parts.printing.records)
    if (!printed) return
    await this.runner.run(printed, 'other')
    this.announce(event.type)
  }
}
