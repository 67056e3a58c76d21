import { composeMail, oneLine, type Mail } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { makeOneTimeToken } from '../one-time/one-time-tokens.ts'

type Recipient = { readonly userId: string; readonly email: string; readonly name: string }

/** Confirms that an address is read by whoever has the account. Sent after the answer. */
export function sendVerification(auth: Auth, { userId, email, name }: Recipient): void {
  auth.platform.after.start('verification mail', async () => {
    const seconds = auth.options.verifyHours * 3600
    const token = await auth.platform.database.system((system) =>
      makeOneTimeToken(auth, system, { purpose: 'verify', userId, bound: email, seconds }),
    )
    await send(auth, email, name, {
      subject: `Confirm your address`,
      heading: 'Confirm your e-mail address',
      paragraphs: [`Somebody made an account with this address. If it was you, confirm that it is yours.`],
      action: { label: 'Confirm the address', url: linkTo(auth, '/verify-email', token) },
      footer: `The link works once, for ${auth.options.verifyHours} hours. If it was not you, do nothing.`,
    })
  })
}

/** To an address that has an account, when somebody registers with it again. */
export function sendAccountExists(auth: Auth, email: string): void {
  auth.platform.after.start('account exists mail', () =>
    send(auth, email, '', {
      subject: 'You have an account already',
      heading: 'You have an account already',
      paragraphs: [
        'Somebody tried to make an account with this address, which has one. If it was you, sign in, or set a new password.',
      ],
      action: { label: 'Sign in', url: linkTo(auth, '/login') },
      footer: 'If it was not you, do nothing. Nothing was changed.',
    }),
  )
}

/** To an address that an invitation has proven already: there is nothing to confirm. */
export function sendAccountReady(auth: Auth, email: string): void {
  auth.platform.after.start('account ready mail', () =>
    send(auth, email, '', {
      subject: 'Your account is ready',
      heading: 'Your account is ready',
      paragraphs: [
        'You took up the invitation that was sent to this address. Sign in with the password that you chose.',
      ],
      action: { label: 'Sign in', url: linkTo(auth, '/login') },
      footer: 'If it was not you, set a new password: somebody else has read the invitation.',
    }),
  )
}

/** A link to set a new password. */
export async function sendReset(auth: Auth, { userId, email, name }: Recipient): Promise<void> {
  const minutes = auth.options.resetMinutes
  const token = await auth.platform.database.system((system) =>
    makeOneTimeToken(auth, system, { purpose: 'reset', userId, bound: email, seconds: minutes * 60 }),
  )
  await send(auth, email, name, {
    subject: 'Set a new password',
    heading: 'Set a new password',
    paragraphs: ['Somebody asked for a new password for the account with this address.'],
    action: { label: 'Set a new password', url: linkTo(auth, '/reset-password', token) },
    footer: `The link works once, for ${minutes} minutes. If it was not you, do nothing: your password stays as it is.`,
  })
}

/** To who has confirmed an address and not shown the password that was chosen with it: it is gone, and here is a link to another one. */
export function sendChoice(auth: Auth, { userId, email, name }: Recipient): void {
  auth.platform.after.start('choice of a password mail', async () => {
    const minutes = auth.options.resetMinutes
    const token = await auth.platform.database.system((system) =>
      makeOneTimeToken(auth, system, { purpose: 'reset', userId, bound: email, seconds: minutes * 60 }),
    )
    await send(auth, email, name, {
      subject: 'Choose a password',
      heading: 'Your address is confirmed. Choose a password',
      paragraphs: [
        'The password with which the account was made was not shown when the address was confirmed. It counts no more: somebody else may have chosen it.',
      ],
      action: { label: 'Choose a password', url: linkTo(auth, '/reset-password', token) },
      footer: `The link works once, for ${minutes} minutes. If you do not want the account, do nothing: nobody gets into it.`,
    })
  })
}

/** After something that a thief would do: told to the address that was there before. */
export function sendNotice(auth: Auth, email: string, what: string): void {
  auth.platform.after.start('notice mail', () =>
    send(auth, email, '', {
      subject: what,
      heading: what,
      paragraphs: [
        'If it was you, there is nothing to do. If it was not, set a new password at once and end all sessions.',
      ],
      action: { label: 'Set a new password', url: linkTo(auth, '/forgot-password') },
    }),
  )
}

/**
 * A page of this service, with its token in the fragment: fragments are sent to no server and stand in no log and no Referer. Built
 * from PUBLIC_URL alone: a link that were built from `Host` would lead wherever the sender of a request wants.
 */
function linkTo({ platform, origin }: Auth, path: string, token?: string): string {
  return `${origin}${platform.basePath}${path}${token === undefined ? '' : `#token=${token}`}`
}

async function send(
  { platform }: Auth,
  to: string,
  toName: string,
  parts: { readonly subject: string } & Omit<Parameters<typeof composeMail>[0], 'productName'>,
): Promise<void> {
  const { subject, ...words } = parts
  const mail: Mail = {
    to,
    // Whoever registers somebody else's address gives the name, too: one of two lines would be refused, and with it every mail.
    ...(toName !== '' && { toName: oneLine(toName, 80) }),
    subject: `${platform.title}: ${subject}`,
    ...composeMail({ productName: platform.title, ...words }),
  }
  await platform.mailer.send(mail)
}
