import type { Platform } from '@plinth/core'
import type { KeyLookup } from './api-keys/find-key.ts'
import type { AccessTokens } from './jwt/access-token.ts'
import type { SigningKeys } from './jwt/signing-keys.ts'
import type { SettledOptions } from './options.ts'
import type { Guard } from './guard.ts'
import type { Passwords } from './passwords.ts'
import type { RelyingParty } from './passkeys/relying-party.ts'
import type { LastUse } from './last-use.ts'
import type { SessionLookup } from './sessions/find-session.ts'

/** What the parts of identity work with; one for each platform. */
export interface Auth {
  readonly platform: Platform
  readonly options: SettledOptions
  /** Scheme, host and port of links, and the issuer of tokens. */
  readonly origin: string
  readonly guard: Guard
  readonly passwords: Passwords
  /** Undefined where PUBLIC_URL names an address, to which no passkey can be bound. */
  readonly relyingParty: RelyingParty | undefined
  readonly keys: SigningKeys
  readonly tokens: AccessTokens
  readonly sessions: SessionLookup
  /** Writes down, now and then, when sessions were last used. */
  readonly lastUse: LastUse
  readonly apiKeys: KeyLookup
  /** The same of keys. */
  readonly keyUse: LastUse
}
