import { PlinthError, type ErrorDefinition, type ErrorDetails } from '@plinth/core'

export const webhookErrors = {
  url_not_allowed: {
    status: 400,
    title: 'Webhooks may not go to this URL',
    help: 'A webhook goes to a public address over https, without a user name in its URL. What else may be reached (a host of the own network, one without TLS) the operator lists in WEBHOOKS_ALLOW_HOSTS.',
  },
} as const satisfies Record<string, ErrorDefinition>

/** Makes an error of this feature. */
export function webhookProblem(code: keyof typeof webhookErrors, details?: ErrorDetails): PlinthError {
  return new PlinthError(code, webhookErrors[code], details)
}
