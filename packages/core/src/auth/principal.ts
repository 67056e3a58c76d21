import type { Client } from '../client/client.ts'
import type { Platform } from '../platform/platform.ts'
import type { Permissions } from '../policy/permissions.ts'
import type { Rate } from '../ports/rate-limits.ts'

export type PrincipalKind = 'user' | 'service' | 'apiKey' | 'system'

/** Who did something: what records and events keep of a principal. */
export interface Actor {
  readonly kind: PrincipalKind
  readonly id: string
}

/** Who is asking. Comes from a verified credential alone, never from a body, a header of choice or a URL. */
export interface Principal extends Actor {
  readonly name: string
  /** The user behind it; null for services, whose rows have no owner. */
  readonly userId: string | null
  readonly groupIds: readonly string[]
  /** The tenant that the credential belongs to (id or slug); null where it may choose. */
  readonly tenant: string | null
  readonly permissions: Permissions
  /** Where the rights come from; without it they are those of `permissions` as they stand. The tenant stage draws them. */
  readonly rights?: Rights
  /** Names of the roles that it has in its tenant, once that is known. */
  readonly roles?: readonly string[]
  /** What is known of the way it got in. */
  readonly session?: SessionFacts
  /** How often it may ask, beside the limits of everybody: a key may be given less. */
  readonly rate?: Rate
  /** Above all tenants: routes of the platform's operator are open to it. No right to any tenant's rows follows from it. */
  readonly superadmin?: boolean
}

/** Rights that depend on the tenant: of a member as such, of certain roles, or of both, which is what both allow. */
export interface Rights {
  /** The user whose membership counts: no longer a member means no longer in. */
  readonly member?: string
  /** Roles by name. With `member` they narrow what the member may do: a key never outgrows its owner. */
  readonly roles?: readonly string[]
}

export interface SessionFacts {
  /** Of the session, or of the key. */
  readonly id: string
  readonly credential: Credential['kind']
  /** Whether a second factor stands behind it: shown at sign-in, or confirmed by the owner of a key. */
  readonly secondFactor: boolean
  /** When its holder last proved who he is. */
  readonly authenticatedAt: Date
}

/**
 * Whether it is a person who has signed in, and not a program that acts for him: what keys may not do (make keys, sessions and factors,
 * change an account, act as the operator) would outlive their revocation.
 */
export function isPerson({ kind, session }: Pick<Principal, 'kind' | 'session'>): boolean {
  return kind === 'user' && session !== undefined && session.credential !== 'apiKey'
}

/** A credential as the request showed it, by the place it stood in. */
export interface Credential {
  readonly kind: 'bearer' | 'apiKey' | 'cookie'
  readonly value: string
}

/** The request that shows a credential, as far as a reader of credentials may care. */
export interface Asking {
  readonly platform: Platform
  readonly requestId: string
  readonly client: Client
}

/**
 * One reader of credentials. `undefined` means "not mine, ask the next"; a credential that is its own and wrong is thrown as
 * `invalid_credential`. What nobody recognises is 401, never anonymous.
 */
export interface CredentialReader {
  readonly kinds: readonly Credential['kind'][]
  read(credential: Credential, asking: Asking): Principal | undefined | Promise<Principal | undefined>
}
