import { z } from 'zod'

/** Base64url without padding, as browsers write it. */
const bytes = (most: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[A-Za-z0-9_-]+$/)

/** Ids have 1,023 bytes at most (WebAuthn §4, Credential ID). */
const credentialId = bytes(1364)
/** Type, challenge and origin. */
const clientDataJSON = bytes(8192)

const common = { id: credentialId, rawId: credentialId, type: z.literal('public-key') }

/** `PublicKeyCredential.toJSON()` after `navigator.credentials.create`. What else stands in it is not looked at. */
export const createdSchema = z
  .object({
    ...common,
    response: z.object({
      clientDataJSON,
      attestationObject: bytes(32_768),
      transports: z
        .array(z.string().regex(/^[a-z-]{1,32}$/))
        .max(10)
        .default([]),
    }),
  })
  .meta({ id: 'CreatedPasskey' })

/** The same after `navigator.credentials.get`. */
export const assertionSchema = z
  .object({
    ...common,
    response: z.object({
      clientDataJSON,
      authenticatorData: bytes(8192),
      signature: bytes(2048),
      userHandle: bytes(128).nullish(),
    }),
  })
  .meta({ id: 'PasskeyAssertion' })

export const ceremonyField = z
  .string()
  .min(1)
  .max(200)
  .describe('As the options came with it; works once, for five minutes')

/** An answer of a passkey, wherever one is asked for. */
export const shownPasskey = z.object({ ceremony: ceremonyField, credential: assertionSchema })

export type CreatedCredential = z.output<typeof createdSchema>
export type ShownPasskey = z.output<typeof shownPasskey>

const client = {
  clientDataJSON:
    'eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiLi4uIiwib3JpZ2luIjoiaHR0cHM6Ly9hcHAuZXhhbXBsZS5jb20ifQ',
}
const id = { id: 'u3r5b0l0Z2FyZGVu', rawId: 'u3r5b0l0Z2FyZGVu', type: 'public-key' } as const
const ceremony = 'pky_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

export const createdExample = {
  ceremony,
  credential: {
    ...id,
    response: { ...client, attestationObject: 'o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YQ', transports: ['internal'] },
  },
}
export const assertionExample = {
  ceremony,
  credential: { ...id, response: { ...client, authenticatorData: 'SZYN5YgOjGh0NBcPZHZgW4', signature: 'MEUCIQDx' } },
}
