import { linkPage, type FeatureParts, type LinkPage, type PageField, type PublicRoute } from '@plinth/core'

const chosenPassword: PageField = {
  name: 'password',
  label: 'Password',
  type: 'password',
  autocomplete: 'current-password',
  hint: 'the one that you chose with the account',
}

const optionalPassword: PageField = { ...chosenPassword, optional: true }

/**
 * Where the links of mails lead. Hosts with pages of their own at the root (`root: false`) serve these paths themselves.
 * @param byMail whether an account begins with a link, which takes its password too
 */
export function linkPages({ root, title, basePath }: FeatureParts, byMail: boolean): readonly PublicRoute[] {
  if (!root) return []
  const api = (path: string): string => `${basePath}/api/v1/auth/${path}`
  const at = (path: string, operationId: string, words: Omit<LinkPage, 'title'>): PublicRoute => ({
    public: true,
    origin: 'platform',
    tag: 'auth',
    unlisted: true,
    method: 'GET',
    path,
    operationId,
    summary: words.heading,
    errors: [],
    answers: [{ status: 200, description: 'A page', contentType: 'text/html' }],
    handle: () => linkPage({ title, ...words }),
  })
  return [
    at('/verify-email', 'verifyEmailPage', {
      heading: 'Confirm your address',
      words: byMail
        ? 'You opened the link that was sent to it. If you did not make an account, close this page: nothing happens.'
        : 'You opened the link that was sent to it. Confirm that it is yours. Where you did not make the account and are not signed in, show the password with which it was made: without it that one counts no more, and you are sent a link to choose another.',
      form: {
        action: api('email/verify'),
        button: 'Confirm the address',
        fields: [byMail ? chosenPassword : optionalPassword],
        token: 'token',
        done: 'Your address is confirmed. You can close this page.',
      },
    }),
    at('/reset-password', 'resetPasswordPage', {
      heading: 'Set a new password',
      words: 'All sessions of your account end with it; sign in again with the new one.',
      form: {
        action: api('password/reset'),
        button: 'Set the password',
        fields: [
          {
            name: 'password',
            label: 'New password',
            type: 'password',
            autocomplete: 'new-password',
            hint: 'a long one',
          },
        ],
        token: 'token',
        done: 'Your password is set. You can sign in with it now.',
      },
    }),
    at('/forgot-password', 'forgotPasswordPage', {
      heading: 'Forgotten your password?',
      words: 'A link to set a new one is sent to your address, if there is an account with it.',
      form: {
        action: api('password/forgot'),
        button: 'Send the link',
        fields: [{ name: 'email', label: 'E-mail', type: 'email', autocomplete: 'username' }],
        done: 'If there is such an account, a mail is on its way.',
      },
    }),
  ]
}
