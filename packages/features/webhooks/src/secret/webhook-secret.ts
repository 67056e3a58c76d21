import { randomBytes } from 'node:crypto'
import type { Secrets } from '@plinth/core'

/** How long the secret before goes on signing, beside the new one: whoever receives has so long to learn it. */
export const OVERLAP_MS = 24 * 3_600_000
/** Secrets that sign at once, at most: a header has its bounds. The newest stay. */
const MOST_FORMER = 4

/** A secret as it is stored, sealed, beside those before it. */
export interface WebhookSecrets {
  /** `whsec_` and base64. */
  readonly current: string
  readonly former: readonly { readonly secret: string; readonly until: string }[]
}

/** 32 random bytes, of the 24 to 64 that Standard Webhooks ask for. */
export function makeSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

/** To whom a sealed secret is bound: moved into the row of another webhook it does not open. */
export function secretContext(tenantId: string, id: string): string {
  return `webhook ${tenantId} ${id}`
}

export interface SecretPlace {
  readonly tenantId: string
  readonly id: string
}

export function sealSecrets(secrets: Secrets, { tenantId, id }: SecretPlace, kept: WebhookSecrets): string {
  return secrets.seal(JSON.stringify(kept), secretContext(tenantId, id))
}

export function openSecrets(secrets: Secrets, { tenantId, id }: SecretPlace, sealed: string): WebhookSecrets {
  return JSON.parse(secrets.open(sealed, secretContext(tenantId, id))) as WebhookSecrets
}

/** Those that sign now, the newest first. */
export function signingSecrets({ current, former }: WebhookSecrets, now: Date): readonly string[] {
  return [current, ...former.filter(({ until }) => new Date(until) > now).map(({ secret }) => secret)]
}

/** Another secret in the place of the current one. @param until when that one ends; undefined: at once, and all before it */
export function rotated({ current, former }: WebhookSecrets, now: Date, until: Date | undefined): WebhookSecrets {
  const kept = until
    ? [{ secret: current, until: until.toISOString() }, ...former.filter((one) => new Date(one.until) > now)]
    : []
  return { current: makeSecret(), former: kept.slice(0, MOST_FORMER) }
}
