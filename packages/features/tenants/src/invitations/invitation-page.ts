import { linkPage, type FeatureParts, type PublicRoute } from '@plinth/core'

/** Where the link of an invitation leads: a new account, or one that there is. For hosts with pages of their own, see `root`. */
export function invitationPage({ root, title, basePath, registry }: FeatureParts): readonly PublicRoute[] {
  // Without accounts there is nobody to become: who signs people in also shows them in.
  const accounts = registry.features.some((feature) => feature.slots?.accounts)
  if (!root || !accounts) return []
  const api = `${basePath}/api/v1`
  const email = { name: 'email', label: 'E-mail', type: 'email', autocomplete: 'username' } as const
  return [
    {
      public: true,
      origin: 'platform',
      tag: 'invitation',
      unlisted: true,
      method: 'GET',
      path: '/invitations/:id/accept',
      operationId: 'invitationPage',
      summary: 'The page of an invitation',
      errors: [],
      answers: [{ status: 200, description: 'A page', contentType: 'text/html' }],
      handle: ({ parameters }) =>
        linkPage({
          title,
          heading: 'You are invited',
          words: 'Make an account with the address to which the invitation was sent, and you are in.',
          form: {
            action: `${api}/auth/register`,
            button: 'Make the account',
            fields: [
              email,
              { name: 'name', label: 'Your name', type: 'text', autocomplete: 'name', optional: true },
              {
                name: 'password',
                label: 'Password',
                type: 'password',
                autocomplete: 'new-password',
                hint: 'a long one',
              },
            ],
            token: 'invitationToken',
            done: 'Welcome. Your account is made, and you can sign in.',
          },
          other: {
            summary: 'I have an account',
            form: {
              action: `${api}/auth/login`,
              button: 'Sign in and accept',
              fields: [
                email,
                { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' },
              ],
              done: 'You have joined.',
              thenPost: `${api}/invitations/${encodeURIComponent(parameters['id']!)}/accept`,
            },
          },
        }),
    },
  ]
}
