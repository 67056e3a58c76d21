import { identifier } from '../statements/quote.ts'

/** The PostgreSQL roles of one installation. Roles belong to the whole cluster, hence the prefix. */
export interface RoleNames {
  /** Owns schema, tables and policies, and migrates. No login: the migrating login becomes it by `set local role`. */
  readonly owner: string
  /** The runtime login, or what the runtime login is a member of. Bound to one tenant by every restrictive policy. */
  readonly app: string
  /** Owns the functions that look across tenants before one is known. No login. */
  readonly lookup: string
  /** Login of `asSystem` and of the relay: all tenants, by policies of its own. */
  readonly system: string
  /** May read everything (BYPASSRLS), for backups. No login. */
  readonly backup: string
}

const kinds = ['owner', 'app', 'lookup', 'system', 'backup'] as const

/**
 * @param prefix what the names begin with, `plinth_` by default. Two installations in one cluster need two.
 * @throws where the prefix is no plain lower-case name
 */
export function roleNames(prefix: string): RoleNames {
  if (!/^[a-z][a-z0-9_]{0,40}$/.test(prefix) || prefix.startsWith('pg_')) {
    throw new Error(
      `rolePrefix '${prefix}' is not usable: lower-case letters, digits and _, at most 41, not pg_ (example: plinth_)`,
    )
  }
  return {
    owner: `${prefix}owner`,
    app: `${prefix}app`,
    lookup: `${prefix}lookup`,
    system: `${prefix}system`,
    backup: `${prefix}backup`,
  }
}

/** Replaces `{owner}` `{app}` `{lookup}` `{system}` `{backup}` in SQL of our own with the quoted names. */
export function fillRoleNames(sql: string, roles: RoleNames): string {
  return sql.replaceAll(new RegExp(`\\{(${kinds.join('|')})\\}`, 'g'), (_, kind: keyof RoleNames) =>
    identifier(roles[kind]),
  )
}
