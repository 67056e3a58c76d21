import { createHash } from 'node:crypto'
import { html, type Answer, type Html } from '@plinth/core'
import { noStore } from './route-facts.ts'

const style = `
:root{color-scheme:light dark;--ink:light-dark(#17202a,#e8edf2);--paper:light-dark(#f6f7f9,#12171c);--card:light-dark(#fff,#1b2229);--line:light-dark(#d5dae0,#37424d);--accent:light-dark(#1f5fbf,#7fb0ff)}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{width:min(24rem,calc(100vw - 2rem));padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:12px}
h1{margin:0 0 1.25rem;font-size:1.35rem}label{display:block;margin-top:1rem;font-weight:600}small{font-weight:400;opacity:.75}
input{width:100%;margin-top:.25rem;padding:.6rem .7rem;border:1px solid var(--line);border-radius:8px;background:transparent;color:inherit;font:inherit}
input:focus-visible,button:focus-visible{outline:3px solid var(--accent);outline-offset:1px}
button{width:100%;margin-top:1.5rem;padding:.7rem;border:0;border-radius:8px;background:var(--accent);color:light-dark(#fff,#0b1220);font:inherit;font-weight:600;cursor:pointer}
p[role=alert]{margin:0 0 1rem;padding:.6rem .8rem;border-left:4px solid #c2352b;background:light-dark(#fdecea,#3a1f1d);border-radius:4px}`

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
  </main>`
}

/** A page of its own: no script, its one style by hash, framed by nobody, posting to itself alone. */
export function page(status: number, title: string, body: Html): Answer {
  const digest = createHash('sha256').update(style).digest('base64')
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>Sign in · ${title}</title>
     `
  const text = `${document.text}<style>${style}</style></head><body>${body.text}</body></html>`
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'same-origin',
      ...noStore,
    },
    body: text,
  }
}
