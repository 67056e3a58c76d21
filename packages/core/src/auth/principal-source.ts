import type { Principal } from './principal.ts'

/** Finds principals without their credential, for explanations: who may do what is asked of others than oneself. */
export interface PrincipalSource {
  /** How they are asked for: `service` in `service:ci-bot`. */
  readonly kind: Principal['kind']
  find(name: string): Principal | undefined | Promise<Principal | undefined>
  /** Names to offer where one was mistyped; the first few are enough. */
  names(): readonly string[] | Promise<readonly string[]>
}
