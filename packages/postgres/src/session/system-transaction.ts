import type {
  FixedStatement,
  LibraryValue,
  PortableTables,
  RawRow,
  Scope,
  SystemTransaction,
  Tenant,
  TenantDraft,
  Transaction,
} from '@plinth/core'
import { SET_SEARCH_PATH } from '../drivers/driver.ts'
import { makeTenantSchema } from '../isolation/make-tenant-schema.ts'
import { searchPathOf } from '../isolation/search-path.ts'
import { movedTables } from '../portable/moved-tables.ts'
import { printFixed } from './fixed-statement.ts'
import { printLibrary } from './library.ts'
import type { TransactionRunner } from './runner.ts'
import type { SessionParts } from './scoped-session.ts'
import { ScopedTransaction } from './scoped-transaction.ts'
import { insertTenant } from './tenant-lookup.ts'

/** One transaction of `plinth_system`, which belongs to no tenant until it is within one. */
export class OwnSystemTransaction implements SystemTransaction {
  readonly #runner: TransactionRunner
  readonly #parts: SessionParts
  /** Whether each tenant has a schema. */
  readonly #schemas: boolean

  /** Whether tenants or memberships were changed. */
  changed = false

  constructor(runner: TransactionRunner, parts: SessionParts, schemas: boolean) {
    this.#runner = runner
    this.#parts = parts
    this.#schemas = schemas
  }

  run(statement: FixedStatement): Promise<readonly RawRow[]> {
    return this.#runner.run(printFixed(statement), 'other')
  }

  library(
    text: string,
    parameters: readonly LibraryValue[] = [],
    plan: 'kept' | 'anew' = 'kept',
  ): Promise<readonly RawRow[]> {
    return this.#runner.run(printLibrary(text, parameters, plan), 'other')
  }

  changesMembers(): void {
    this.changed = true
  }

  async found(draft: TenantDraft): Promise<{ readonly tenant: Tenant; readonly founded: boolean }> {
    const found = await insertTenant(this.#runner, draft)
    this.changed = true
    if (found.founded && this.#schemas) await makeTenantSchema(this.#runner, found.tenant.id)
    return found
  }

  portable(tenantId: string, how: 'frozen' | 'written'): Promise<PortableTables> {
    const searchPath = this.#schemas ? searchPathOf(tenantId) : undefined
    return movedTables(this.#runner, tenantId, how, { schemas: this.#schemas, searchPath })
  }

  async within(scope: Scope): Promise<Transaction> {
    if (this.#schemas) {
      const parameters = [searchPathOf(scope.tenantId)]
      await this.#runner.run({ text: SET_SEARCH_PATH, parameters, shape: 'fixed' }, 'other')
    }
    return new ScopedTransaction(scope, this.#runner, this.#parts)
  }
}
