import { checkMail, type Mail, type Mailer } from '@plinth/core'

/** A mailer that keeps what it is told to send. */
export interface CapturedMail extends Mailer {
  /** All mails, oldest first. */
  readonly mails: readonly Mail[]
  /** Mails to one address, without case, oldest first. */
  to(address: string): readonly Mail[]
  /** The address of the last mail's link. @throws Error where there is no mail, no link, or not the same in text and HTML */
  linkTo(address: string): string
  /**
   * The mail number `count` to this address, as soon as it was sent: mails go out after the answer to the request that caused
   * them. Waits for the mail itself and not for time to pass.
   * @param options.count 1 is the first one since the start or the last `clear()`
   * @param options.patience milliseconds until it fails, naming the mails that there are; default 10,000
   */
  waitFor(address: string, options?: { readonly count?: number; readonly patience?: number }): Promise<Mail>
  /** Sends fail with this error until `undefined` is given. */
  failWith(error: Error | undefined): void
  clear(): void
}

/** A mailer for tests. It refuses what every mailer refuses: a mail that holds a forged header fails the test. */
export function capturedMail(): CapturedMail {
  const mails: Mail[] = []
  const waiting = new Set<() => void>()
  let failure: Error | undefined
  const to = (address: string): readonly Mail[] =>
    mails.filter((mail) => mail.to.toLowerCase() === address.toLowerCase())
  const listed = (): string => mails.map((mail) => `${mail.to}: ${mail.subject}`).join('; ') || 'none'
  return {
    name: 'captured',
    mails,
    to,
    async send(mail) {
      checkMail(mail)
      if (failure) throw failure
      mails.push(mail)
      for (const look of waiting) look()
    },
    linkTo(address) {
      const mail = to(address).at(-1)
      if (!mail) throw new Error(`No mail went to ${address}. Mails: ${listed()}`)
      return linkIn(mail)
    },
    waitFor(address, { count = 1, patience = 10_000 } = {}) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          const mail = to(address)[count - 1]
          if (mail) end(() => resolve(mail))
        }
        const end = (settle: () => void): void => {
          clearTimeout(timer)
          waiting.delete(look)
          settle()
        }
        const timer = setTimeout(
          () => end(() => reject(new Error(`Mail ${count} to ${address} did not come. Mails: ${listed()}`))),
          patience,
        )
        waiting.add(look)
        look()
      })
    },
    failWith: (error) => void (failure = error),
    clear: () => void mails.splice(0),
  }
}

function linkIn({ to, subject, text, html }: Mail): string {
  const found = /https?:\/\/[^\s<>"]+/.exec(text)?.[0]
  if (found === undefined) throw new Error(`The mail to ${to}, "${subject}", holds no link:\n${text}`)
  if (!html.includes(`href="${found.replaceAll('&', '&amp;').replaceAll("'", '&#39;')}"`))
    throw new Error(`The mail to ${to}, "${subject}", has ${found} in its text and not in its HTML.`)
  return found
}
