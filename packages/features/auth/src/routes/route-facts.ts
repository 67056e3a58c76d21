import { z } from 'zod'
import type { PersonalRoute, PublicRoute, RouteAnswer } from '@plinth/core'

/** What the public routes of identity have in common: no answer of theirs may be kept by anybody. */
export const publicAuth = {
  public: true,
  stored: true,
  origin: 'platform',
  tag: 'auth',
} as const satisfies Partial<PublicRoute>

/** The same of those that are about the caller. */
export const personalAuth = {
  public: false,
  personal: 'user',
  inTenant: false,
  origin: 'platform',
  tag: 'auth',
} as const satisfies Partial<PersonalRoute>

export const noStore = { 'cache-control': 'no-store' } as const

export const noContent: RouteAnswer = { status: 204, description: 'Done' }

/** Of routes whose body shows again who asks: by a password, a code or a passkey. */
export const provingErrors = [
  'validation_failed',
  'unsupported_media_type',
  'proof_required',
  'invalid_credentials',
  'invalid_code',
  'passkey_refused',
] as const

/** The same answer whatever there is: whether an address has an account is told to nobody. */
export const accepted: RouteAnswer = {
  status: 202,
  description: 'If there is such an account, a mail is on its way',
  schema: z.object({ status: z.literal('accepted') }),
}

export const acceptedAnswer = {
  status: 202,
  headers: { 'content-type': 'application/json', ...noStore },
  body: '{"status":"accepted"}',
} as const

/** A person as his own account shows him. */
export const userSchema = z
  .object({
    id: z.string(),
    email: z.string().nullable(),
    username: z.string().nullable(),
    name: z.string(),
    emailVerified: z.boolean(),
  })
  .meta({ id: 'OwnAccount' })

/** Keys are programs' and not where somebody is signed in: they go on unless the one who sets the password says otherwise. */
export const revokeKeysField = z
  .boolean()
  .default(false)
  .describe('Ends the API keys of the account too, in all tenants')
export const tenantField = z.string().min(1).max(63).describe('Id or slug of one of your tenants')
