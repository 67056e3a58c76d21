import type { PermissionSet } from '../policy/permission-set.ts'

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
  readonly permissions: PermissionSet
}

/** A credential as the request showed it, by the place it stood in. */
export interface Credential {
  readonly kind: 'bearer' | 'apiKey' | 'cookie'
  readonly value: string
}

/**
 * One reader of credentials. `undefined` means "not mine, ask the next"; a credential that is its own and wrong is thrown as
 * `invalid_credential`. What nobody recognises is 401, never anonymous.
 */
export interface CredentialReader {
  readonly kinds: readonly Credential['kind'][]
  read(credential: Credential): Principal | undefined | Promise<Principal | undefined>
}
