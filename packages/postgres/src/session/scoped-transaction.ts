import type { IdempotencyKey, KeyClaim, RawRow, ReadOperation, Transaction } from '@plinth/core'
import { claimKey, keepAnswer } from '../keys/claim-key.ts'
import { hold } from '../keys/hold.ts'
import { printEmit, type EmittedEvent } from '../statements/emit.ts'
import { printLock } from '../statements/read.ts'
import { isUuid, ScopedSession } from './scoped-session.ts'

/** A session inside a transaction, with what only makes sense there. */
export class ScopedTransaction extends ScopedSession implements Transaction {
  async lock(operation: ReadOperation): Promise<RawRow | undefined> {
    if (!isUuid(operation.id)) return undefined
    const [row] = await this.runner.run(printLock(operation, this.scope, this.parts.printing), 'other')
    return row
  }

  hold(name: string, how: 'shared' | 'alone'): Promise<void> {
    return hold(this.runner, this.scope, name, how)
  }

  claimKey(key: IdempotencyKey): Promise<KeyClaim> {
    return claimKey(this.runner, this.scope, key)
  }

  keepAnswer(key: IdempotencyKey, sealed: string, expiresAt: Date): Promise<void> {
    return keepAnswer(this.runner, this.scope, key, sealed, expiresAt)
  }

  async emit(event: EmittedEvent): Promise<void> {
    // What no feature listens to is not stored.
    if (!this.parts.printing.records.listens(event.type)) return
    await this.runner.run(printEmit(event, this.scope), 'other')
    this.parts.onEvent()
  }
}
