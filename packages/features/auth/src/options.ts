import type { KeyObject } from 'node:crypto'
import type { PasskeysOptions } from './passkeys/relying-party.ts'
import type { PasswordsOptions } from './passwords.ts'

/** Who may make an account. */
export type Registration =
  /** Anybody, at once. */
  | 'open'
  /** Anybody, by a link that is sent; whether an address has an account is told to nobody. */
  | 'by-mail'
  /** Who was invited. */
  | 'invited'
  /** Nobody. */
  | 'closed'

export interface AuthOptions {
  /** Default: `open`. */
  readonly registration?: Registration
  /** Rules for passwords, and hashes of another system. Default: 15 code points, 8 with a second factor. */
  readonly passwords?: PasswordsOptions
  /** What passkeys are bound to. Default: the host of PUBLIC_URL and its pages. */
  readonly passkeys?: PasskeysOptions
  readonly sessions?: {
    /** Days without use after which a session ends. Default 14. */
    readonly idleDays?: number
    /** Days after which it ends whatever happens. Default 90. */
    readonly absoluteDays?: number
  }
  readonly jwt?: {
    /** Keys in code, PKCS#8; the first one signs. Default: the files in JWT_KEYS_DIR. */
    readonly keys?: readonly (string | KeyObject)[]
    /** Lifetime of an access token in seconds, 60 to 86,400. Default 3600. */
    readonly ttl?: number
    /** `aud`. Default: the public URL. */
    readonly audience?: string
  }
  readonly links?: {
    /** Minutes for which a link to set a new password works. Default 60. */
    readonly resetMinutes?: number
    /** Hours for which a link to confirm an address works. Default 48. */
    readonly verifyHours?: number
  }
  /** `false`: no accounts `admin` and `demo` in development either. */
  readonly developmentAccounts?: boolean
}

/** The same with every default filled in. */
export interface SettledOptions {
  readonly registration: Registration
  readonly passwords: PasswordsOptions
  readonly passkeys: PasskeysOptions
  readonly sessions: { readonly idleSeconds: number; readonly absoluteSeconds: number }
  readonly ttl: number
  readonly audience: string | undefined
  readonly keys: readonly (string | KeyObject)[] | undefined
  readonly resetMinutes: number
  readonly verifyHours: number
  readonly developmentAccounts: boolean
}

const DAY = 86_400

export function settleOptions(options: AuthOptions): SettledOptions {
  return {
    registration: options.registration ?? 'open',
    passwords: options.passwords ?? {},
    passkeys: options.passkeys ?? {},
    sessions: {
      idleSeconds: (options.sessions?.idleDays ?? 14) * DAY,
      absoluteSeconds: (options.sessions?.absoluteDays ?? 90) * DAY,
    },
    ttl: options.jwt?.ttl ?? 3600,
    audience: options.jwt?.audience,
    keys: options.jwt?.keys,
    resetMinutes: options.links?.resetMinutes ?? 60,
    verifyHours: options.links?.verifyHours ?? 48,
    developmentAccounts: options.developmentAccounts ?? true,
  }
}
