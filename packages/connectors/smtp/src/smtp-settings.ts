import { defineSettings } from '@plinth/core'
import { z } from 'zod'
import { readSender } from './sender.ts'
import { readServer } from './server-address.ts'

/** The variables of this package; compose them into your own: `defineSettings({ ...platformSettings, ...smtpSettings })`. */
export const smtpSettings = defineSettings({
  SMTP_URL: {
    schema: z.string().transform(reading(readServer)).optional(),
    requiredIn: ['test', 'staging', 'production'],
    secret: true,
    description:
      'The server that takes mails: smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465 (TLS from the first byte). TLS is required except on this machine; ?starttls=optional or ?starttls=never allow a server without it. In development, unset, mails are printed on the console.',
    example: 'smtp://user:password@smtp.example.com:587',
    group: 'Mail',
  },
  MAIL_FROM: {
    schema: z.string().transform(reading(readSender)).optional(),
    requiredIn: ['test', 'staging', 'production'],
    description: 'Who mails come from: an address, or a name and an address.',
    example: 'Acme <no-reply@example.com>',
    group: 'Mail',
  },
})

/** The value of a reader, or the problem that it found as an issue. */
function reading<Value extends object>(read: (text: string) => Value | string) {
  return (text: string, context: z.RefinementCtx): Value => {
    const result = read(text)
    if (typeof result !== 'string') return result
    context.addIssue({ code: 'custom', message: result })
    return z.NEVER
  }
}
