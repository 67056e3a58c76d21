import { composeMail, oneLine, type Platform, type Tenant } from '@plinth/core'

export interface InvitationMail {
  readonly id: string
  readonly token: string
  readonly email: string
  readonly name: string
  readonly tenant: Pick<Tenant, 'name' | 'slug'>
  readonly days: number
}

/**
 * The link leads to `/invitations/{id}/accept` of this service, built from PUBLIC_URL alone: one that were built from `Host` would lead
 * wherever the sender of a request wants. The token is in the fragment, which is sent to no server and stands in no log and no Referer.
 */
export async function sendInvitation(platform: Platform, mail: InvitationMail): Promise<void> {
  const { id, token, email, name, days } = mail
  const tenant = shownName(mail.tenant)
  const origin = platform.publicUrl ?? `http://127.0.0.1:${platform.settings.PORT}`
  await platform.mailer.send({
    to: email,
    ...(name !== '' && { toName: oneLine(name, 80) }),
    subject: oneLine(`${platform.title}: you are invited to ${tenant}`, 120),
    ...composeMail({
      productName: platform.title,
      heading: `You are invited to ${tenant}`,
      paragraphs: [`You were asked to join ${tenant} on ${platform.title}. The link is for you alone.`],
      action: {
        label: 'Accept the invitation',
        url: `${origin}${platform.basePath}/invitations/${id}/accept#token=${token}`,
      },
      footer: `It works once, for ${days} days. If you do not know who invited you, do nothing.`,
    }),
  })
}

/** Whoever may name a tenant could otherwise send links to his own pages from our address: mail programs make links of such names. */
function shownName({ name, slug }: InvitationMail['tenant']): string {
  return /\/\/|\S[.:@]\S/.test(name) ? slug : oneLine(name, 60)
}
