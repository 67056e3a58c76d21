import type { FeatureParts, Route } from '@plinth/core'
import type { Auth } from './auth-parts.ts'
import type { SettledOptions } from './options.ts'
import { bootstrap } from './routes/bootstrap.ts'
import { changeMe } from './routes/change-me.ts'
import { changePassword } from './routes/change-password.ts'
import { forgotPassword } from './routes/forgot-password.ts'
import { jwksRoute } from './routes/jwks.ts'
import { linkPages } from './routes/link-pages.ts'
import { logIn } from './routes/log-in.ts'
import { loginPage } from './routes/login-page.ts'
import { askForOwnPasskey, logInByPasskey } from './routes/log-in-by-passkey.ts'
import { logOut } from './routes/log-out.ts'
import { makeApiKeys } from './routes/make-api-key.ts'
import { me } from './routes/me.ts'
import { ownApiKeys } from './routes/own-api-keys.ts'
import { ownFactors } from './routes/own-factors.ts'
import { ownSessions } from './routes/own-sessions.ts'
import { reauthenticate } from './routes/reauthenticate.ts'
import { refresh } from './routes/refresh.ts'
import { registerPasskey } from './routes/register-passkey.ts'
import { register } from './routes/register.ts'
import { resetPassword } from './routes/reset-password.ts'
import { serviceAccountKeys } from './routes/service-account-keys.ts'
import { serviceAccountRoutes } from './routes/service-accounts.ts'
import { setUpFactor } from './routes/set-up-factor.ts'
import { switchTenant } from './routes/switch-tenant.ts'
import { tenantApiKeys } from './routes/tenant-api-keys.ts'
import { tenantSessions } from './routes/tenant-sessions.ts'
import { resendVerification, verifyEmail } from './routes/verify-email.ts'
import { verifyFactor } from './routes/verify-factor.ts'

/** Everything that identity serves, one file each. */
export function authRoutes(auth: () => Auth, options: SettledOptions, feature: FeatureParts): readonly Route[] {
  const byMail = options.registration === 'by-mail'
  return [
    register(auth, byMail),
    logIn(auth),
    refresh(auth),
    logOut(auth),
    me(auth),
    changeMe(auth),
    switchTenant(auth),
    changePassword(auth),
    forgotPassword(auth),
    resetPassword(auth),
    verifyEmail(auth, byMail),
    resendVerification(auth),
    reauthenticate(auth),
    askForOwnPasskey(auth),
    ...registerPasskey(auth),
    ...logInByPasskey(auth),
    setUpFactor(auth),
    verifyFactor(auth),
    ...ownFactors(auth),
    ...ownSessions(auth),
    ...makeApiKeys(auth),
    ...ownApiKeys(auth),
    ...tenantApiKeys(auth, feature.registry),
    ...serviceAccountRoutes(auth, feature.registry),
    ...serviceAccountKeys(auth, feature.registry),
    ...tenantSessions(auth, feature.registry),
    jwksRoute(auth),
    bootstrap(auth),
    ...loginPage(auth, feature),
    ...linkPages(feature, byMail),
  ]
}
