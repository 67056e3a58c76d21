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
}

export function loginForm({ title, action, token, next, identifier, message }: LoginForm): Html {
  return html`<main>
    <h1>Sign in to ${title}</h1>
    ${message === undefined ? '' : html`<p role="alert">${message}</p>`}
    <form method="post" action="${action}">
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
    </form>
    <p>
      <small><a href="${action.replace(/login$/, 'forgot-password')}">Forgotten your password?</a></small>
    </p>
  </main>`
}

/** A page of its own: no script, its one style by hash, framed by nobody, posting to itself alone. */
export function page(status: number, title: string, body: Html): Answer {
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>Sign in · ${title}</title>
     `
  const text = `${document.text}<style>${cardStyle}</style></head><body>${body.text}</body></html>`
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src ${hashOf(cardStyle)}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'same-origin',
      ...noStore,
    },
    body: text,
  }
}
