import { generateSync } from 'otplib'
import type { AuthPeer, AuthPlatform, SignedUp } from './open-auth.ts'
import { PASSWORD } from './open-auth.ts'

export interface WithFactor extends SignedUp {
  readonly secret: string
  readonly deviceId: string
  readonly recoveryCodes: readonly string[]
}

/** What an authenticator shows at this moment of the test's clock. */
export function codeNow({ clock }: Pick<AuthPlatform, 'clock'>, secret: string, shiftSeconds = 0): string {
  return generateSync({ secret, epoch: Math.floor(clock.now().getTime() / 1000) + shiftSeconds })
}

/** A person whose authenticator is confirmed; its first code is used up, so the clock goes on by a step. */
export async function withFactor(platform: AuthPlatform, person?: SignedUp): Promise<WithFactor> {
  const someone = person ?? (await platform.signUp())
  const set = await platform.call('POST', '/api/v1/auth/mfa/setup', {}, someone.bearer)
  const { secret, id } = set.json as { secret: string; id: string }
  const code = codeNow(platform, secret)
  const verified = await platform.call('POST', '/api/v1/auth/mfa/verify', { code }, someone.bearer)
  if (verified.status !== 200) throw new Error(`verify answered ${verified.status}: ${verified.body}`)
  platform.clock.advance(30_000)
  const { recoveryCodes } = verified.json as { recoveryCodes: string[] }
  return { ...someone, secret, deviceId: id, recoveryCodes }
}

/** Signs in with the password; the answer is the pending token. */
export async function pendingToken(on: Pick<AuthPeer, 'call'>, email: string): Promise<string> {
  const reply = await on.call('POST', '/api/v1/auth/login', { email, password: PASSWORD })
  const { mfa_token } = reply.json as { mfa_token?: string }
  if (mfa_token === undefined) throw new Error(`login answered ${reply.status}: ${reply.body}`)
  return mfa_token
}

/** Lets somebody guess again at once. */
export async function freshGuesses({ parts }: Pick<AuthPlatform, 'parts'>, userId: string): Promise<void> {
  await parts.rates.reset([{ name: 'mfa', by: [userId], capacity: 5, windowSeconds: 300 }])
}
