import { html, type Html } from '../pages/html.ts'
import { oneLine } from './one-line.ts'

/** What a mail says. All words are the caller's, so that it may be in any language. */
export interface MailParts {
  /** Who writes: stands above the heading and nowhere else. */
  readonly productName: string
  readonly heading: string
  /** Plain text, one paragraph each. */
  readonly paragraphs: readonly string[]
  /** The one thing to do: a button, and its address in full below it. `url` is absolute, http or https. */
  readonly action?: { readonly label: string; readonly url: string }
  /** In small letters below a line: why one gets this mail. */
  readonly footer?: string
  /** Of the words: `de`, `pt-BR`, `ar`. Screen readers choose the voice by it, and the lines their side. */
  readonly language?: string
}

// No colours of paper and ink: a mail takes those of its reader, and so is dark where he wants it dark. What must stand out
// is half transparent, and the button (contrast 6.8 : 1) looks the same on both. There is no style sheet to be stripped,
// and nothing is fetched: an image would tell its server who reads the mail, where and when.
const font = 'font-family:system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif'
const small = 'font-size:14px;line-height:1.5'
const soft = `opacity:.72;${small}`
const rightToLeft = /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)(-|$)/i
const button =
  'display:inline-block;padding:12px 22px;color:#ffffff;font-size:16px;font-weight:600;line-height:1.25;text-decoration:none'

/**
 * The two bodies of a mail: HTML and plain text that say the same, the address of the action in both.
 * @returns for `Mail`: `{ to, subject, ...composeMail(…) }`
 * @throws TypeError for an address that is not absolute, or is no http(s)
 */
export function composeMail(parts: MailParts): { readonly text: string; readonly html: string } {
  const action = parts.action && { label: oneLine(parts.action.label), url: linkOf(parts.action.url) }
  const productName = oneLine(parts.productName)
  const heading = oneLine(parts.heading)
  const paragraphs = parts.paragraphs.map((each) => oneLine(each, 2_000))
  const footer = parts.footer === undefined ? undefined : oneLine(parts.footer, 2_000)
  return {
    text: printText({ productName, heading, paragraphs, action, footer }),
    html: printHtml({ productName, heading, paragraphs, action, footer }, parts.language).text,
  }
}

interface Lines {
  readonly productName: string
  readonly heading: string
  readonly paragraphs: readonly string[]
  readonly action: { readonly label: string; readonly url: string } | undefined
  readonly footer: string | undefined
}

function printText({ productName, heading, paragraphs, action, footer }: Lines): string {
  const blocks = [
    productName,
    heading,
    ...paragraphs,
    // A line of its own: readers make it a link up to the next space.
    ...(action ? [`${action.label}:\n${action.url}`] : []),
    // Two hyphens and a space: where a signature begins (RFC 3676 §4.3).
    ...(footer === undefined ? [] : [`-- \n${footer}`]),
  ]
  return `${blocks.join('\n\n')}\n`
}

function printHtml({ productName, heading, paragraphs, action, footer }: Lines, language: string | undefined): Html {
  return html`<!doctype html>
    <html
      lang="${language ?? ''}"
      dir="${rightToLeft.test(language ?? '') ? 'rtl' : 'ltr'}"
      style="color-scheme:light dark"
    >
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <title>${heading}</title>
      </head>
      <body style="margin:0;padding:0;${font};overflow-wrap:break-word">
        <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
          <tr>
            <td align="center" style="padding:32px 20px">
              <table
                role="presentation"
                width="100%"
                cellpadding="0"
                cellspacing="0"
                border="0"
                style="max-width:560px"
              >
                <tr>
                  <td align="start" style="${font};font-size:16px;line-height:1.6">
                    <p style="margin:0 0 24px;${soft};font-weight:600">${productName}</p>
                    <h1 dir="auto" style="margin:0 0 16px;font-size:24px;line-height:1.25;font-weight:700">
                      ${heading}
                    </h1>
                    ${paragraphs.map((each) => html`<p dir="auto" style="margin:0 0 16px">${each}</p>`)}
                    ${action ? [actionBlock(action)] : []} ${footer === undefined ? [] : [footerBlock(footer)]}
                  </td>
                </tr>
              </table>
            </td>
          </tr>
        </table>
      </body>
    </html> `
}

function actionBlock({ label, url }: { readonly label: string; readonly url: string }): Html {
  return html`<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:28px 0 12px">
      <tr>
        <td bgcolor="#1a56b8" style="border-radius:8px;background-color:#1a56b8">
          <a href="${url}" style="${button}">${label}</a>
        </td>
      </tr>
    </table>
    <p dir="ltr" style="margin:0 0 16px;${small};word-break:break-all"><a href="${url}">${url}</a></p>`
}

function footerBlock(footer: string): Html {
  return html`<p dir="auto" style="margin:32px 0 0;padding:16px 0 0;border-top:1px solid rgba(128,128,128,.35);${soft}">
    ${footer}
  </p>`
}

/** In the spelling of the parser: what is shown, what is clicked and what is copied must be one address. */
function linkOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  // `javascript:` would run in a webmail, user@host shows another host than it leads to.
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new TypeError('The link of a mail must be an absolute http(s) address without a user')
  return url.href
}
