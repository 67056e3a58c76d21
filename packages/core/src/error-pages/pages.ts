import { STATUS_CODES } from 'node:http'
import { exampleProblem } from '../errors/example-problem.ts'
import type { ErrorDefinition } from '../errors/registry.ts'
import { Html, html } from '../pages/html.ts'
import { style } from './style.ts'

export interface ExplainedError extends ErrorDefinition {
  readonly code: string
}

interface Place {
  /** Name of the service. */
  readonly title: string
  readonly basePath: string
  readonly errorTypeBase: string
}

const styleElement = new Html(`<style>${style}</style>`)

function page(place: Place, title: string, main: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · ${place.title}</title>
        <link rel="icon" href="data:," />
        ${styleElement}
      </head>
      <body>
        <header>${place.title} · <a href="${place.basePath}/docs/errors">Errors</a></header>
        <main>${main}</main>
        <footer>
          For programs: send <code>Accept: application/json</code>. The API:
          <a href="${place.basePath}/api/v1/openapi.json">OpenAPI</a>.
        </footer>
      </body>
    </html> `
}

/** What one error means and what to do about it. */
export function errorPage(place: Place, error: ExplainedError): Html {
  const { code, title, help } = error
  return page(
    place,
    title,
    html`<h1>${title}</h1>
      <p class="facts">${statusMark(error.status)} <code>${code}</code></p>
      <h2>What it means and what to do</h2>
      <p>${withCode(help)}</p>
      <p>${again(error.status)}</p>
      <h2>How it looks</h2>
      <pre tabindex="0"><code>HTTP/1.1 ${statusLine(error.status)}
Content-Type: application/problem+json

${JSON.stringify(exampleProblem(place.errorTypeBase, code, error), null, 2)}</code></pre>
      <p>
        <code>code</code> is stable: let programs compare it, and not the words. <code>requestId</code> is in the header
        <code>X-Request-Id</code> and in the log of the service too.
      </p>`,
  )
}

/** Every error, by status. */
export function indexPage(place: Place, errors: readonly ExplainedError[]): Html {
  const statuses = [...new Set(errors.map(({ status }) => status))].sort((a, b) => a - b)
  const sections = statuses.map((status) => {
    const rows = errors
      .filter((error) => error.status === status)
      .map(
        ({ code, title }) =>
          html`<li><a href="${place.basePath}/docs/errors/${code}">${code}</a><span>${title}</span></li>`,
      )
    return html`<h2>${statusLine(status)}</h2>
      <ul>
        ${rows}
      </ul>`
  })
  return page(
    place,
    'Errors',
    html`<h1>Errors</h1>
      <p>
        Every error is <code>application/problem+json</code> (RFC 9457). Its <code>type</code> leads to one of these
        pages.
      </p>
      ${sections}`,
  )
}

/** For a code that is none. It is not repeated: words of a stranger's link have no place on our page. */
export function unknownPage(place: Place): Html {
  return page(
    place,
    'No such error',
    html`<h1>There is no error of this name</h1>
      <p>
        The service answers with none of that code. Perhaps the link was cut short, or another version wrote it.
        <a href="${place.basePath}/docs/errors">All errors</a> are listed.
      </p>`,
  )
}

function statusMark(status: number): Html {
  return html`<span class="status">${statusLine(status)}</span>`
}

function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ''}`.trim()
}

function again(status: number): Html {
  if (status === 429 || status === 503) {
    return html`The same request may succeed later: wait for the seconds of <code>Retry-After</code>. With an
      <code>Idempotency-Key</code> a repeated write has its effect once.`
  }
  if (status >= 500)
    return html`Whether a write took effect is not known: with an <code>Idempotency-Key</code> it is safe to repeat.`
  return html`This request changed no row.`
}

/** `words in backticks` as code; everything is escaped. */
function withCode(text: string): Html {
  const parts = text.split(/`([^`]+)`/)
  return new Html(
    parts.map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`).text).join(''),
  )
}
