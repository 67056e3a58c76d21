import {
  FreshLookup,
  FRESH_MS,
  PlinthError,
  problem,
  statement,
  type Platform,
  type StatementRunner,
} from '@plinth/core'

/** What a role of a tenant may do, as its text is stored; undefined where there is no such role. */
export type FindRole = (tenantId: string, role: string) => Promise<string | undefined>

/** Names of the roles that a tenant made. */
export type RoleNames = (tenantId: string) => Promise<readonly string[]>

/**
 * The roles that tenants made, as requests ask for them: each is read at most once a second, and many at once in one statement. What
 * cannot be read is an error, never a role with other rights.
 */
export class CustomRoles {
  readonly #kept: FreshLookup<string>
  readonly #changing = new Map<string, number>()

  constructor(database: Pick<Platform['database'], 'lookup'>) {
    this.#kept = new FreshLookup({
      ask: async (keys) => {
        const pairs = keys.map((key) => [key.slice(0, 36), key.slice(37)] as const)
        const rows = await database.lookup(statement`
          select w.tenant, w.role, f.permissions
          from unnest(${pairs.map(([tenant]) => tenant)}::text::uuid[], ${pairs.map(([, role]) => role)}::text::text[]) w(tenant, role)
          cross join lateral plinth.find_role(w.tenant, w.role) f`)
        return new Map(
          rows.map((row) => [`${String(row['tenant'])} ${String(row['role'])}`, String(row['permissions'])]),
        )
      },
    })
  }

  find(tenantId: string, role: string): Promise<string | undefined> {
    const key = keyOf(tenantId, role)
    if (this.#isChanging(key)) this.#kept.forget(key)
    // Whatever went wrong: who may do what is not known at the moment, so nobody may, and the caller may try again.
    return this.#kept.find(key).catch((error: unknown) => {
      throw PlinthError.is(error) ? error : problem('unavailable', { cause: error })
    })
  }

  /**
   * A role is about to change, in a transaction whose end is not known here: for as long as an answer is kept, none of it is, so that
   * this process follows at once and not a second later, as the others do.
   */
  changes(tenantId: string, role: string): void {
    this.#changing.set(keyOf(tenantId, role), performance.now() + FRESH_MS)
  }

  #isChanging(key: string): boolean {
    if (this.#changing.size === 0) return false
    const now = performance.now()
    for (const [each, until] of this.#changing) if (until < now) this.#changing.delete(each)
    return this.#changing.has(key)
  }
}

const keyOf = (tenantId: string, role: string): string => `${tenantId.toLowerCase()} ${role}`

/**
 * The same inside a transaction of the system, as they are at this moment; whoever would delete one waits for the end of the transaction.
 * The connection is the transaction's own: on the embedded database there is no other.
 */
export function rolesWithin(system: StatementRunner): FindRole {
  return async (tenantId, role) => {
    const [row] = await system.run(statement`
      select permissions::text as permissions from plinth.roles
      where tenant_id = ${tenantId}::uuid and name = ${role}::text for key share`)
    return row ? String(row['permissions']) : undefined
  }
}

/** The same without waiting for anybody, or making anybody wait: for what is only looked at. */
export function rolesSeen(runner: StatementRunner): FindRole {
  return async (tenantId, role) => {
    const [row] = await runner.run(statement`
      select permissions::text as permissions from plinth.roles
      where tenant_id = ${tenantId}::uuid and name = ${role}::text`)
    return row ? String(row['permissions']) : undefined
  }
}

/** A thousand at most: enough to find what was meant. */
export function namesWithin(system: StatementRunner): RoleNames {
  return async (tenantId) => {
    const rows = await system.run(statement`
      select name from plinth.roles where tenant_id = ${tenantId}::uuid order by name limit 1000`)
    return rows.map((row) => String(row['name']))
  }
}
