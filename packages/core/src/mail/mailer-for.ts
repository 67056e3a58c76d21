import type { StartupFault } from '../errors/startup-error.ts'
import { MailError, type Mailer } from '../ports/mail.ts'
import { consoleMailer } from './console-mailer.ts'

/**
 * The mailer of a feature that needs one: the one that it was given, and the console in development where it was given none.
 * Anywhere else having none is a fault: links that nobody gets lock people out, links on a console let anyone in who reads it.
 * @param path where the mailer is given, for the fault: `auth.mailer`
 * @returns a mailer; its `faults` belong among those of the feature
 */
export function mailerFor(environment: string, given: Mailer | undefined, path: string): Mailer {
  const development = environment === 'development'
  if (given === undefined) return development ? consoleMailer() : without(path, 'is not set, and mails must be sent')
  if (given.name === 'console' && !development)
    return without(path, `prints mails with their links on the console in ${environment}`)
  return given
}

function without(path: string, problem: string): Mailer {
  const fault: StartupFault = {
    path,
    problem,
    fix: 'mailer: smtp() of @plinth/smtp, with SMTP_URL and MAIL_FROM; or any object with name and send()',
  }
  return {
    name: 'none',
    faults: [fault],
    send: () => Promise.reject(new MailError('There is no mailer.', { temporary: false })),
  }
}
