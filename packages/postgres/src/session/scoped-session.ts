import {
  acceptsId,
  isUuid,
  type AclEntry,
  type AclOperation,
  type ChangeOperation,
  type ChangeResult,
  type CreateOperation,
  type ListOperation,
  type RawRow,
  type ReadOperation,
  type RelatedOperation,
  type ResourceInfo,
  type Scope,
  type Session,
  type UpdateOperation,
} from '@plinth/core'
import { printAclEntries } from '../statements/acl-entries.ts'
import { outcomeOf, printDelete, printProbe, printRestore, printUpdate } from '../statements/change.ts'
import { printCreate } from '../statements/create.ts'
import { printList } from '../statements/list.ts'
import { printCount, printRead } from '../statements/read.ts'
import { printRelated } from '../statements/related.ts'
import type { Printing } from '../statements/printing.ts'
import type { Printed } from '../statements/statement.ts'
import type { CreatesTogether } from './together/creates-together.ts'
import type { Runner } from './runner.ts'
import type { Operation } from './translate-error.ts'

/** What the sessions of a database share. */
export interface SessionParts {
  readonly printing: Printing
  /** Called after a committed write, with tenant and name of the resource. */
  readonly onWrite: (tenantId: string, resource: string) => void
  /** Called after a statement that put an event into the outbox. */
  readonly onEvent: () => void
  /** Keeps a call for the commit; only in transactions. */
  readonly onCommit?: (call: () => void) => void
}

/** @throws where the scope names no tenant: before any SQL, whoever calls */
export function assertTenant(scope: Scope): void {
  if (!isUuid(scope.tenantId ?? ''))
    throw new Error('a session needs a tenant id: nothing is read or written without one')
}

/** The operations of one tenant scope, one statement each. */
export class ScopedSession implements Session {
  protected readonly scope: Scope
  protected readonly runner: Runner
  protected readonly parts: SessionParts
  readonly #together: CreatesTogether | undefined

  /** @param together where each statement is a transaction of its own, and may be one with those of other sessions */
  constructor(scope: Scope, runner: Runner, parts: SessionParts, together?: CreatesTogether) {
    assertTenant(scope)
    this.scope = scope
    this.runner = runner
    this.parts = parts
    this.#together = together
  }

  async read(operation: ReadOperation): Promise<RawRow | undefined> {
    // An id that no row can have: not worth a statement, and no error either.
    if (!acceptsId(operation.resource, operation.id)) return undefined
    const [row] = await this.runner.run(printRead(operation, this.scope, this.parts.printing), 'read')
    return row
  }

  list(operation: ListOperation): Promise<readonly RawRow[]> {
    return this.runner.run(printList(operation, this.scope, this.parts.printing), 'read')
  }

  async count(operation: Pick<ListOperation, 'resource' | 'where'>): Promise<number> {
    const [row] = await this.runner.run(printCount(operation, this.scope, this.parts.printing), 'read')
    return Number(row?.['n'])
  }

  related(operation: RelatedOperation): Promise<readonly RawRow[]> {
    return this.runner.run(printRelated(operation, this.scope, this.parts.printing), 'read')
  }

  async aclEntries(operation: AclOperation): Promise<readonly AclEntry[]> {
    const rows = await this.runner.run(printAclEntries(operation, this.scope), 'read')
    return rows as unknown as readonly AclEntry[]
  }

  async create(operation: CreateOperation): Promise<RawRow> {
    const row = this.#together
      ? await this.#together.run(this.runner, operation, this.scope)
      : (await this.runner.run(printCreate(operation, this.scope, this.parts.printing), 'create'))[0]
    if (!row) throw new Error(`${operation.resource.name}: the insert returned no row`)
    this.wrote(operation.resource, 'created')
    return row
  }

  update(operation: UpdateOperation): Promise<ChangeResult> {
    return this.#change(operation, 'update', () => printUpdate(operation, this.scope, this.parts.printing))
  }

  delete(operation: ChangeOperation): Promise<ChangeResult> {
    return this.#change(operation, 'delete', () => printDelete(operation, this.scope, this.parts.printing))
  }

  restore(operation: ChangeOperation): Promise<ChangeResult> {
    return this.#change(operation, 'update', () => printRestore(operation, this.scope, this.parts.printing))
  }

  probe(operation: ChangeOperation): Promise<ChangeResult> {
    return this.#change(operation, 'read', () => printProbe(operation, this.scope, this.parts.printing))
  }

  async #change(operation: ChangeOperation, kind: Operation, print: () => Printed): Promise<ChangeResult> {
    if (!acceptsId(operation.resource, operation.id)) return { outcome: 'missing' }
    const [row] = await this.runner.run(print(), kind)
    if (!row) return { outcome: 'missing' }
    const outcome = outcomeOf(row['id'])
    if (outcome) return { outcome }
    if (kind !== 'read') this.wrote(operation.resource, operation.event)
    return { outcome: 'done', row }
  }

  protected wrote(resource: ResourceInfo, event: string): void {
    this.parts.onWrite(this.scope.tenantId, resource.name)
    this.announce(`${resource.name}.${event}`)
  }

  protected announce(type: string): void {
    if (this.parts.printing.records.hearing(type) === 'heard') this.parts.onEvent()
  }
}
