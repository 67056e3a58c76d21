import { MailError, type Mail } from '../ports/mail.ts'

// A line break in a header begins another header (`Bcc: everyone`), two of them begin the body; a NUL ends the line for some
// servers and not for others. No character below the space belongs into a header, nor the breaks that Unicode adds.
// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001F\u007F-\u009F\u2028\u2029]/

/** Headers that the mailer makes: a second `To` or `Content-Type` is read differently by different programs. */
const ownHeaders =
  /^(to|cc|bcc|from|sender|reply-to|return-path|subject|date|message-id|mime-version|received|content-.*|resent-.*|dkim-signature|arc-.*)$/i

/** Octets of one line of a message (RFC 5322 §2.1.1). */
const longestLine = 998

/**
 * Whether a text is one address and nothing else: no list, no name, no quoted local part. Letters beyond ASCII are allowed
 * on both sides (RFC 6531); at most 64 octets before the @ and 254 in all (RFC 5321 §4.5.3.1).
 */
export function isMailAddress(text: string): boolean {
  if (Buffer.byteLength(text) > 254 || unprintable.test(text)) return false
  const at = text.lastIndexOf('@')
  const local = text.slice(0, Math.max(at, 0))
  return (
    Buffer.byteLength(local) <= 64 &&
    /^[^\s"(),:;<>@[\]\\]+$/u.test(local) &&
    !/^\.|\.\.|\.$/.test(local) &&
    /^(?!-)[\p{L}\p{M}\p{N}-]{1,63}(\.[\p{L}\p{M}\p{N}-]{1,63})*$/u.test(text.slice(at + 1))
  )
}

/**
 * What every mailer asks before it sends: whatever a name or a tenant's title brought along, no header can hold a second one.
 * @throws MailError, not temporary, which repeats nothing of the mail
 */
export function checkMail(mail: Mail): void {
  const { to, toName = '', subject, text, html, headers = {} } = mail
  if (!isMailAddress(to)) throw refused('`to` is not one mail address')
  for (const [name, value] of Object.entries({ toName, subject })) {
    if (unprintable.test(value)) throw refused(`\`${name}\` holds a line break or another control character`)
    if (Buffer.byteLength(value) > longestLine) throw refused(`\`${name}\` is longer than ${longestLine} octets`)
  }
  if (subject.trim() === '') throw refused('`subject` is empty')
  if (text.trim() === '' || html.trim() === '') throw refused('`text` or `html` is empty')
  if (text.includes('\0') || html.includes('\0')) throw refused('the body holds a NUL character')
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[A-Za-z][A-Za-z0-9-]{0,75}$/.test(name)) throw refused('a header has a name that is none')
    if (ownHeaders.test(name)) throw refused(`the header ${name} is made by the mailer`)
    if (unprintable.test(value) || Buffer.byteLength(value) > longestLine)
      throw refused(`the header ${name} is not one line of at most ${longestLine} octets`)
  }
}

function refused(problem: string): MailError {
  return new MailError(`The mail was not sent: ${problem}.`, { temporary: false })
}
