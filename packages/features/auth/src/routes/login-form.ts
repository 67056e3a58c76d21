import { cardStyle, hashOf, html, type Answer, type Html } from '@plinth/core'
import { noStore } from './route-facts.ts'

export interface LoginForm {
  readonly title: string
  readonly action: string
  readonly token: string
  readonly next: string | undefined
  /** As it was typed before. */
  readonly identifier: string | undefined
  readonly message: string | undefined
  /** Where options for a passkey are asked for; undefined where there are none. */
  readonly passkeys: string | undefined
}

/*
 * A passkey is asked of the browser by script alone. What it answers goes into the form and is posted with it, beside whatever was typed; a
 * browser that knows no passkeys shows no button.
 */
const script = `
const form = document.querySelector('form'), button = form.querySelector('[type=button]'), said = form.querySelector('[role=status]')
button.hidden = !globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON
button.addEventListener('click', async () => {
  const tell = (text) => { said.textContent = text; said.className = 'wrong' }
  button.disabled = true
  try {
    const answer = await fetch(form.dataset.passkeys, { method: 'POST', credentials: 'omit' })
    const asked = await answer.json()
    if (!answer.ok) return tell(asked.title)
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.publicKey)
    const credential = await navigator.credentials.get({ publicKey })
    form.elements.passkey.value = JSON.stringify({ ceremony: asked.ceremony, credential })
    form.submit()
  } catch { tell('No passkey was shown.') } finally { button.disabled = false }
})`

export function loginForm({ title, action, token, next, identifier, message, passkeys }: LoginForm): Html {
  return html`<main>
    <h1>Sign in to ${title}</h1>
    ${message === undefined ? '' : html`<p role="alert">${message}</p>`}
    <form method="post" action="${action}" ${passkeys === undefined ? '' : html`data-passkeys="${passkeys}"`}>
      <input type="hidden" name="csrf_token" value="${token}" />
      ${next === undefined ? '' : html`<input type="hidden" name="next" value="${next}" />`}
      <label
        >E-mail or user name<input
          name="identifier"
          value="${identifier ?? ''}"
          autocomplete="username"
          required
          ${identifier === undefined ? 'autofocus' : ''}
          maxlength="320"
      /></label>
      <label
        >Password<input
          name="password"
          type="password"
          autocomplete="current-password"
          required
          ${identifier === undefined ? '' : 'autofocus'}
      /></label>
      <label
        >Code <small>if you have a second factor</small> <input name="code" autocomplete="one-time-code" maxlength="64"
      /></label>
      <button>Sign in</button>
      ${
        passkeys === undefined
          ? ''
          : html`<input type="hidden" name="passkey" />
              <button type="button" class="other" hidden>Sign in with a passkey</button>
              <p role="status"></p>`
      }
    </form>
    <p>
      <small><a href="${action.replace(/login$/, 'forgot-password')}">Forgotten your password?</a></small>
    </p>
  </main>`
}

/**
 * A page of its own: its one style and one script by hash, framed by nobody, posting to itself alone.
 * @param scripted whether the form asks for passkeys; without it there is no script
 */
export function page(status: number, title: string, body: Html, scripted: boolean): Answer {
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>Sign in · ${title}</title>
     `
  const text = `${document.text}<style>${cardStyle}</style></head><body>${body.text}${scripted ? `<script>${script}</script>` : ''}</body></html>`
  const scripts = scripted ? ` script-src ${hashOf(script)}; connect-src 'self';` : ''
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src ${hashOf(cardStyle)};${scripts} form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'same-origin',
      ...noStore,
    },
    body: text,
  }
}
