import { PlinthError, type ErrorDefinition, type ErrorDetails } from '@plinth/core'

export const tenancyErrors = {
  invitation_invalid: {
    status: 400,
    title: 'The invitation is not valid',
    help: 'It was used, revoked or replaced, has expired, is for another address, or there is no such invitation. The answer is the same on purpose. Ask for a new one.',
  },
  email_unverified: {
    status: 403,
    title: 'Your address is not verified',
    help: 'Follow the link that was sent to your address first: only then is it known to be yours.',
  },
  domain_unverified: {
    status: 409,
    title: 'The domain is not proven',
    help: 'The TXT record with the token was not found. The DNS may take its time: wait, and ask again.',
  },
  archive_invalid: {
    status: 400,
    title: 'The archive is not one that can be imported',
    help: 'It was cut off or changed after the export, is no archive of a tenant, or holds what this platform does not take. The detail says which, and what to do.',
  },
} as const satisfies Record<string, ErrorDefinition>

export type TenancyErrorCode = keyof typeof tenancyErrors

/** Makes an error of this feature. */
export function tenancyProblem(code: TenancyErrorCode, details?: ErrorDetails): PlinthError {
  return new PlinthError(code, tenancyErrors[code], details)
}
