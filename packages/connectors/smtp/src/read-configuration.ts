import { loadSettings, platformSettings, StartupError, type StartupFault } from '@plinth/core'
import type { Sender } from './sender.ts'
import type { ServerAddress } from './server-address.ts'
import { smtpSettings } from './smtp-settings.ts'
import type { SmtpOptions } from './smtp.ts'

export interface Configured {
  readonly server: ServerAddress
  readonly sender: Sender
}

/** Development without a server: mails go to the console. */
interface OnConsole {
  readonly server: undefined
}

const definition = { ENVIRONMENT: platformSettings.ENVIRONMENT, ...smtpSettings }

/** Options and variables, read by the same schemas. */
export function readConfiguration({
  url,
  from,
  env,
}: SmtpOptions): Configured | OnConsole | { readonly faults: readonly StartupFault[] } {
  const options = { SMTP_URL: url, MAIL_FROM: from }
  const given = Object.fromEntries(Object.entries(options).filter(([, text]) => text !== undefined))
  try {
    const { SMTP_URL: server, MAIL_FROM: sender } = loadSettings(definition, {
      env: { ...(env ?? process.env), ...given },
      ...(env === undefined && { files: '.' }),
      check: (values) =>
        'MAIL_FROM' in values && values.MAIL_FROM === undefined && values.SMTP_URL !== undefined
          ? [
              {
                path: 'MAIL_FROM',
                problem: 'is not set although SMTP_URL is',
                fix: 'MAIL_FROM=Acme <no-reply@example.com>',
              },
            ]
          : [],
    })
    return server && sender ? { server, sender } : { server: undefined }
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    const names: Readonly<Record<string, string>> = { SMTP_URL: 'smtp({ url })', MAIL_FROM: 'smtp({ from })' }
    return {
      faults: error.faults.map((fault) => ({
        ...fault,
        path: fault.path in given ? (names[fault.path] ?? fault.path) : fault.path,
      })),
    }
  }
}
