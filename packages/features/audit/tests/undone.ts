import type { Platform, RawRow } from '@plinth/core'
import type { Book } from './open-book.ts'

/** SQL of a superuser, in one transaction. */
export type Ask = (text: string, parameters?: readonly (string | number | null)[]) => Promise<readonly RawRow[]>

/**
 * What is seen of the book after something that a superuser did, with triggers off. Who looks is in the transaction of the deed, under the
 * role that reads the book; when he has looked it is undone.
 */
export async function undone<T>(
  book: Book,
  deed: (ask: Ask) => Promise<unknown>,
  look: (database: Platform['database'], ask: Ask) => Promise<T>,
): Promise<T> {
  class Seen extends Error {
    readonly value: T
    constructor(value: T) {
      super('undone')
      this.value = value
    }
  }
  const seen = book.platform.superuser.transaction(async (connection): Promise<never> => {
    const ask: Ask = (text, parameters) => connection.query(text, parameters ?? [])
    await ask(`set local session_replication_role = replica`)
    await deed(ask)
    await ask(`set local role plinth_system`)
    const read = {
      run: ({ text, parameters }: { readonly text: string; readonly parameters: readonly unknown[] }) =>
        connection.query(text, parameters as readonly string[], { prepare: true }),
    }
    const system = (work: (runner: typeof read) => Promise<unknown>): Promise<unknown> => work(read)
    const database = { ...book.inner.database, system } as unknown as Platform['database']
    throw new Seen(await look(database, ask))
  })
  return seen.catch((error: unknown) => {
    if (error instanceof Seen) return error.value
    throw error
  })
}

/** What keeps a superuser from rows that the book cannot hold, as long as he leaves it there. */
export const UNBOUND = `
  alter table plinth.audit_logs drop constraint audit_logs_pk, drop constraint audit_logs_seq_check, drop constraint audit_logs_time_check,
    drop constraint audit_logs_outcome_check, ${[
      'tenant_id',
      'seq',
      'id',
      'occurred_at',
      'actor_kind',
      'actor_id',
      'action',
      'target_type',
      'outcome',
      'request_id',
      'repeated',
      'hash',
      'mac',
    ]
      .map((column) => `alter ${column} drop not null`)
      .join(', ')}`
