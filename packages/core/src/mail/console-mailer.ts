import type { Mail, Mailer } from '../ports/mail.ts'
import { checkMail } from './check-mail.ts'

// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/g

/**
 * For development: prints a mail instead of sending it, to standard error by default. It prints the one-time links too, for
 * somebody has to click them; therefore {@link import('./mailer-for.ts').mailerFor} refuses it everywhere else, and it does
 * not go through the log, which masks them.
 */
export function consoleMailer(options: { readonly print?: (text: string) => void } = {}): Mailer {
  const { print = (text: string) => void process.stderr.write(text) } = options
  return {
    name: 'console',
    // Async, so that a refused mail is a rejected promise, as with every other mailer.
    async send(mail) {
      checkMail(mail)
      print(printMail(mail))
    },
  }
}

function printMail({ to, toName, subject, text }: Mail): string {
  const receiver = toName === undefined ? to : `${toName} <${to}>`
  const head = `┌ mail to ${receiver}\n│ ${subject}\n│\n`
  const lines = text.trimEnd().replaceAll(controls, ' ').split('\n')
  return `${head}${lines.map((line) => `│ ${line}`.trimEnd()).join('\n')}\n└\n`
}
