import type { Answer } from '../pipeline/answer.ts'
import { cardStyle, hashOf } from './card-style.ts'
import { html, type Html } from './html.ts'

/** A field of a form. */
export interface PageField {
  readonly name: string
  readonly label: string
  readonly type: 'email' | 'password' | 'text'
  readonly autocomplete: string
  readonly hint?: string
  readonly optional?: boolean
}

/** A form that posts its fields as JSON. */
export interface PageForm {
  /** Whole, with the base path. */
  readonly action: string
  readonly button: string
  readonly fields: readonly PageField[]
  /** The member under which the token of the link is sent. */
  readonly token?: string
  /** What is said when it is done. */
  readonly done: string
  /** Where to post the link's token afterwards, in the name of whom the first answer signed in. */
  readonly thenPost?: string
}

export interface LinkPage {
  /** Name of the product. */
  readonly title: string
  readonly heading: string
  readonly words: string
  readonly form: PageForm
  /** Another way, folded away. */
  readonly other?: { readonly summary: string; readonly form: PageForm }
}

/*
 * The token of a link stands in its fragment, which no server is sent; so a script must read it. It goes out of the address at once:
 * histories are shared, and pages are photographed. A session in a cookie goes along, but beside no other credential: who confirms an
 * address where he is signed in keeps what he added to the account.
 */
const script = `
const token = new URLSearchParams(location.hash.slice(1)).get('token')
history.replaceState(null, '', location.pathname)
const post = (url, body, bearer) => fetch(url, { method: 'POST', credentials: bearer ? 'omit' : 'same-origin', body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...(bearer && { authorization: 'Bearer ' + bearer }) } })
for (const form of document.querySelectorAll('form')) form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const said = form.querySelector('[role=status]'), button = form.querySelector('button'), { token: member, thenPost, done } = form.dataset
  const tell = (text, wrong) => { said.textContent = text; said.className = wrong ? 'wrong' : '' }
  const body = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''))
  if (member) body[member] = token ?? ''
  button.disabled = true
  try {
    let answer = await post(form.getAttribute('action'), body)
    if (answer.ok && thenPost) answer = await post(thenPost, { token: token ?? '' }, (await answer.json()).access_token)
    if (answer.ok) { tell(done); form.querySelectorAll('label, button').forEach((each) => each.remove()); return }
    const problem = await answer.json()
    tell([problem.detail ?? problem.title, ...(problem.errors ?? []).map(({ message }) => message)].join('. '), true)
  } catch { tell('The service could not be reached. Try again.', true) }
  button.disabled = false
})`

/** The page behind a link in a mail: it is the same for everyone, and what is secret about it never reaches the server with it. */
export function linkPage({ title, heading, words, form, other }: LinkPage): Answer {
  const body = html`<main>
    <h1>${heading}</h1>
    <p>${words}</p>
    <noscript
      ><p role="alert">This page needs JavaScript: the link keeps its secret from everybody but this page.</p></noscript
    >
    ${printForm(form)}
    ${
      other
        ? html`<details>
            <summary>${other.summary}</summary>
            ${printForm(other.form)}
          </details>`
        : ''
    }
  </main>`
  const head = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${heading} · ${title}</title>
     `
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src ${hashOf(cardStyle)}; script-src ${hashOf(script)}; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    },
    body: `${head.text}<style>${cardStyle}</style></head><body>${body.text}<script>${script}</script></body></html>`,
  }
}

function printForm({ action, button, fields, token, done, thenPost }: PageForm): Html {
  return html`<form
    action="${action}"
    data-done="${done}"
    data-token="${token ?? ''}"
    data-then-post="${thenPost ?? ''}"
  >
    ${fields.map(printField)}
    <button>${button}</button>
    <p role="status"></p>
  </form>`
}

function printField({ name, label, type, autocomplete, hint, optional }: PageField): Html {
  const small = hint === undefined ? '' : html` <small>${hint}</small>`
  const required = optional ? '' : 'required'
  return html`<label
    >${label}${small}<input name="${name}" type="${type}" autocomplete="${autocomplete}" ${required}
  /></label>`
}
