import { PlinthError, type ErrorDefinition, type ErrorDetails } from '@plinth/core'

/** What identity answers with beside the errors of the core. */
export const authErrors = {
  invalid_credentials: {
    status: 401,
    title: 'The name or the password is not right',
    help: 'Which of the two is not said, and an unknown account is answered alike. After a few failures one has to wait.',
  },
  invalid_code: {
    status: 401,
    title: 'The code is not right',
    help: 'Codes of an authenticator work once, for about a minute; recovery codes work once. After a few failures one has to wait.',
  },
  mfa_token_invalid: {
    status: 401,
    title: 'This sign-in is over',
    help: 'It waits five minutes for a second factor, and for five codes. Sign in with the password again.',
  },
  passkey_refused: {
    status: 401,
    title: 'The passkey was not accepted',
    help: 'It is unknown here, was removed, or the answer is not what was asked for: options are answered once and within five minutes, on a page of this service, with finger, face or PIN. Why is in the log.',
  },
  passkey_needs_password: {
    status: 401,
    title: 'Sign in with the password and this passkey',
    help: 'Your password was set anew since the passkey was last used. Sign in once with both; after that the passkey is enough again.',
  },
  passkey_invalid: {
    status: 400,
    title: 'The passkey cannot be registered',
    help: 'The answer is not what was asked for: options are answered once and within five minutes, by the session that asked, on a page of this service, by a device that knows its user.',
  },
  passkey_taken: {
    status: 409,
    title: 'The passkey is registered already',
    help: 'Each belongs to one account. Let the device make another one.',
  },
  passkeys_unavailable: {
    status: 409,
    title: 'There are no passkeys here',
    help: 'Browsers bind them to a name, and PUBLIC_URL has an address instead. The operator sets a name.',
  },
  proof_required: {
    status: 403,
    title: 'Show again who you are',
    help: 'This is done within ten minutes of signing in, or of POST /auth/reauthenticate with the password, a code or a passkey. Where there is a second factor and this session has not shown it, the password will not do.',
  },
  factor_missing: {
    status: 409,
    title: 'There is no second factor for this',
    help: 'Register a passkey, or set up an authenticator with POST /auth/mfa/setup and confirm it within a quarter of an hour.',
  },
  factor_needed: {
    status: 409,
    title: 'A tenant of yours asks for a second factor',
    help: 'Your last factor cannot be removed while you belong to that tenant. Add another one first.',
  },
  email_taken: {
    status: 409,
    title: 'There is an account with this e-mail address',
    help: 'Sign in, or ask for a new password.',
  },
  username_taken: { status: 409, title: 'This user name is taken', help: 'Choose another one.' },
  registration_closed: {
    status: 403,
    title: 'Registration is closed',
    help: 'An invitation is needed. Ask whoever runs the service, or your organisation.',
  },
  token_invalid: {
    status: 400,
    title: 'The link is not valid any more',
    help: 'It was used, has expired, or was replaced by a newer one. Ask for another one.',
  },
  refresh_invalid: {
    status: 401,
    title: 'The refresh token is not valid',
    help: 'It is unknown or expired, or its session has ended. Sign in again.',
  },
  refresh_superseded: {
    status: 401,
    title: 'The refresh token was exchanged a moment ago',
    help: 'Another request was faster. Use the tokens that it got.',
  },
  refresh_reused: {
    status: 401,
    title: 'The refresh token was used before',
    help: 'A token that comes back after its use may be stolen: its session has been ended. Sign in again.',
  },
} as const satisfies Record<string, ErrorDefinition>

export type AuthErrorCode = keyof typeof authErrors

/** `throw authProblem('email_taken')`. */
export function authProblem(code: AuthErrorCode, details?: ErrorDetails): PlinthError {
  return new PlinthError(code, authErrors[code], details)
}
