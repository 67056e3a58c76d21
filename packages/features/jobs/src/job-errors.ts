import { PlinthError, type ErrorDefinition, type ErrorDetails } from '@plinth/core'

export const jobErrors = {
  queue_full: {
    status: 429,
    title: 'Too many jobs wait',
    help: 'As many jobs of your tenant wait as may. Wait until some are done, or cancel what is not needed; then ask again.',
  },
} as const satisfies Record<string, ErrorDefinition>

/** Makes an error of this feature. */
export function jobProblem(code: keyof typeof jobErrors, details?: ErrorDetails): PlinthError {
  return new PlinthError(code, jobErrors[code], details)
}
