import { z } from 'zod'

/** The options of both kinds: what stands in `publicKey` is between browser and authenticator. */
export const askedSchema = z
  .object({
    ceremony: z.string().describe('Comes back with the answer; works once'),
    expires_in: z.int().describe('Seconds'),
    publicKey: z
      .record(z.string(), z.unknown())
      .describe(
        'For PublicKeyCredential.parseCreationOptionsFromJSON or parseRequestOptionsFromJSON (WebAuthn Level 3)',
      ),
  })
  .meta({ id: 'PasskeyOptions' })

const ceremony = 'pky_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

export const creationExample = {
  ceremony,
  expires_in: 300,
  publicKey: {
    rp: { id: 'app.example.com', name: 'Lookout' },
    user: { id: 'AZjwpm8OSlaabg-KLB87EQ', name: 'ada@example.com', displayName: 'Ada' },
    challenge: 'mHs0Yk6bq2S8Zk1mB4Xh1Vt5m0nqWw9o0z3b0h3oYcE',
    pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
    timeout: 300_000,
    attestation: 'none',
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
    excludeCredentials: [],
  },
}

export const requestExample = {
  ceremony,
  expires_in: 300,
  publicKey: {
    rpId: 'app.example.com',
    challenge: 'mHs0Yk6bq2S8Zk1mB4Xh1Vt5m0nqWw9o0z3b0h3oYcE',
    timeout: 300_000,
    userVerification: 'required',
    allowCredentials: [],
  },
}
