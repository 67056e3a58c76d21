import type { Feature, Platform, Runtime, StartupFault } from '@plinth/core'
import { silentLogger, statement, StartupError } from '@plinth/core'
import { accountsPort } from './accounts/accounts-port.ts'
import { offerBootstrap } from './accounts/bootstrap.ts'
import { seedDevelopmentAccounts } from './accounts/development-accounts.ts'
import type { Auth } from './auth-parts.ts'
import { adminCreate } from './commands/admin-create.ts'
import { KeyLookup } from './api-keys/find-key.ts'
import { recallKey } from './api-keys/recall-key.ts'
import { writeKeyUse } from './api-keys/key-use.ts'
import { authErrors } from './errors.ts'
import { authEvents } from './auth-events.ts'
import { Guard } from './guard.ts'
import { accessTokens } from './jwt/access-token.ts'
import { givenKeys, signingKeysOf, type SigningKeys } from './jwt/signing-keys.ts'
import { resealSecrets } from './mfa/reseal-secrets.ts'
import { identity } from './migrations/0001-identity.ts'
import { secondFactor } from './migrations/0002-second-factor.ts'
import { apiKeys } from './migrations/0003-api-keys.ts'
import { serviceAccountsMigration } from './migrations/0004-service-accounts.ts'
import { passkeys } from './migrations/0005-passkeys.ts'
import { serviceRolesMigration } from './migrations/0006-service-roles.ts'
import { aclSubjects } from './migrations/0007-acl-subjects.ts'
import { unprovenCredentials } from './migrations/0008-unproven-credentials.ts'
import { LastUse } from './last-use.ts'
import { passkeyFaults, relyingPartyOf } from './passkeys/relying-party.ts'
import { settleOptions, type AuthOptions, type SettledOptions } from './options.ts'
import { Passwords } from './passwords.ts'
import { credentialReaders } from './readers.ts'
import { apiKey, serviceAccount, session } from './resources.ts'
import { authRoutes } from './routes.ts'
import { endOnDeparture } from './sessions/end-session.ts'
import { SessionLookup } from './sessions/find-session.ts'
import { writeSessionUse } from './sessions/session-use.ts'
import { travels } from './travels.ts'

/**
 * Who is asking: accounts with passwords, sessions in cookies and as access tokens, links by mail. Belongs to one platform.
 */
export function auth(given: AuthOptions = {}): Feature {
  const options = settleOptions(given)
  let parts: Auth | undefined
  let keys: SigningKeys | undefined
  const current = (): Auth => {
    if (!parts) throw new Error('auth() has not been started: createPlinth() does that')
    return parts
  }
  return {
    name: 'auth',
    mails: true,
    errors: authErrors,
    events: authEvents,
    resources: [apiKey, serviceAccount, session],
    migrations: [
      identity,
      secondFactor,
      apiKeys,
      serviceAccountsMigration,
      passkeys,
      serviceRolesMigration,
      aclSubjects,
      unprovenCredentials,
    ],
    travels,
    slots: { auth: credentialReaders(current), accounts: accountsPort(current), recall: recallKey(current) },
    routes: (feature) => authRoutes(current, options, feature),
    commands: [adminCreate(current)],
    verify(_registry, runtime) {
      if (!runtime) return verifyOptions(options)
      const { keys: found, faults } = keysOf(options, runtime)
      keys = found
      return [...faults, ...verifyOptions(options, runtime)]
    },
    start(platform) {
      parts = assemble(platform, options, keys!)
    },
    async seed({ environment }) {
      if (environment === 'development') {
        if (options.developmentAccounts) await seedDevelopmentAccounts(current())
      } else if (environment !== 'test') await offerBootstrap(current(), (text) => void process.stderr.write(text))
    },
    departure: (system, departure) => endOnDeparture(current(), system, departure),
    reseal: resealSecrets,
    sweep: (now) => [
      statement`delete from plinth.sessions where id in (
        select id from plinth.sessions where ends_at < ${now}::text::timestamptz - interval '30 days'
          or ended_at < ${now}::text::timestamptz - interval '30 days' limit 5000)`,
      statement`delete from plinth.one_time_tokens where token_hash in (
        select token_hash from plinth.one_time_tokens where expires_at < ${now}::text::timestamptz - interval '1 day' limit 5000)`,
      statement`delete from plinth.refresh_tokens where id in (
        select r.id from plinth.refresh_tokens r join plinth.refresh_tokens c on c.id = r.child_id
        where c.used_at < ${now}::text::timestamptz - interval '30 days' limit 5000)`,
      statement`delete from plinth.mfa_devices where id in (
        select id from plinth.mfa_devices
        where confirmed_at is null and created_at < ${now}::text::timestamptz - interval '1 day' limit 5000)`,
      statement`delete from plinth.api_keys where id in (
        select id from plinth.api_keys where revoked_at < ${now}::text::timestamptz - interval '90 days' limit 5000)`,
    ],
    async stop() {
      await parts?.lastUse.flush()
      await parts?.keyUse.flush()
    },
  }
}

function assemble(platform: Platform, options: SettledOptions, keys: SigningKeys): Auth {
  const { clock, log, settings, basePath } = platform
  const origin = platform.publicUrl ?? `http://127.0.0.1:${settings.PORT}`
  const issuer = `${origin}${basePath}`
  const made: Auth = {
    platform,
    options,
    origin,
    keys,
    guard: new Guard(platform),
    passwords: new Passwords({ productName: platform.title, ...options.passwords }, log),
    relyingParty: relyingPartyOf(platform.publicUrl, settings.PORT, options.passkeys),
    tokens: accessTokens({ keys, issuer, audience: options.audience ?? issuer, clock, ttl: options.ttl }),
    sessions: new SessionLookup(platform),
    lastUse: new LastUse(platform, writeSessionUse(options.sessions.idleSeconds)),
    apiKeys: new KeyLookup(platform),
    keyUse: new LastUse(platform, writeKeyUse),
  }
  return made
}

function keysOf(
  options: SettledOptions,
  { settings, log, clock }: Runtime,
): { readonly keys: SigningKeys | undefined; readonly faults: readonly StartupFault[] } {
  try {
    return { keys: options.keys ? givenKeys(options.keys) : signingKeysOf(settings, { clock, log }), faults: [] }
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    return { keys: undefined, faults: error.faults }
  }
}

function verifyOptions(options: SettledOptions, runtime?: Runtime): readonly StartupFault[] {
  const faults: StartupFault[] = [...new Passwords(options.passwords, silentLogger).policy.faults]
  const positive = (path: string, value: number, most: number): void => {
    if (Number.isFinite(value) && value > 0 && value <= most) return
    faults.push({ path: `auth.${path}`, problem: `is ${value}`, fix: `a number above 0, at most ${most}` })
  }
  positive('sessions.idleDays', options.sessions.idleSeconds / 86_400, 400)
  positive('sessions.absoluteDays', options.sessions.absoluteSeconds / 86_400, 400)
  positive('jwt.ttl', options.ttl, 86_400)
  positive('links.resetMinutes', options.resetMinutes, 1440)
  positive('links.verifyHours', options.verifyHours, 720)
  const settings = runtime?.settings
  if (settings) faults.push(...passkeyFaults(settings.PUBLIC_URL, options.passkeys))
  if (settings && settings.PUBLIC_URL === undefined && settings.ENVIRONMENT !== 'development')
    faults.push({
      path: 'PUBLIC_URL',
      problem: 'is not set: links in mails and the issuer of tokens are made from it, never from a request',
      fix: 'PUBLIC_URL=https://app.example.com',
    })
  return faults
}
