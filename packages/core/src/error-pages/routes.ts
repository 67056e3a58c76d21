import { problem } from '../errors/plinth-error.ts'
import { errorType, exampleProblem } from '../errors/example-problem.ts'
import type { ErrorDefinition } from '../errors/registry.ts'
import { publicAnswer, publicPage } from '../pages/public-answer.ts'
import { wantsJson } from '../pages/wants-json.ts'
import type { Answer } from '../pipeline/answer.ts'
import type { PublicCall } from '../pipeline/call.ts'
import type { PublicRoute } from '../routes/route.ts'
import { errorPage, indexPage, unknownPage, type ExplainedError } from './pages.ts'
import { styleSource } from './style.ts'

interface ErrorPageParts {
  readonly title: string
  readonly basePath: string
  readonly errorTypeBase: string
  readonly errors: Readonly<Record<string, ErrorDefinition>>
}

/**
 * `/docs/errors` and `/docs/errors/:code`, where the `type` of every error points: a page, or JSON for who asks for it. Part of
 * the core and there with `root: false` too, since an error whose explanation is a 404 explains nothing.
 */
export function errorPageRoutes(parts: ErrorPageParts): readonly PublicRoute[] {
  const errors: readonly ExplainedError[] = Object.entries(parts.errors).map(([code, error]) => ({ ...error, code }))
  const byCode = new Map(errors.map((error) => [error.code, error]))
  return [
    {
      ...facts,
      path: '/docs/errors',
      operationId: 'errors',
      summary: 'Every error that the service answers with',
      handle: (call) =>
        wantsJson(call.headers.accept)
          ? json(call, { errors: errors.map((error) => printed(parts, error)) })
          : page(call, indexPage(parts, errors)),
    },
    {
      ...facts,
      path: '/docs/errors/:code',
      operationId: 'error',
      summary: 'What an error means and what to do about it',
      handle(call) {
        const error = byCode.get(call.parameters.code ?? '')
        if (!wantsJson(call.headers.accept)) {
          return error ? page(call, errorPage(parts, error)) : page(call, unknownPage(parts), 404)
        }
        if (!error) throw problem('not_found', { detail: 'There is no error of this code.' })
        const example = exampleProblem(parts.errorTypeBase, error.code, error)
        return json(call, { ...printed(parts, error), example })
      },
    },
  ]
}

const facts = {
  method: 'GET',
  public: true,
  tag: 'about',
  origin: 'platform',
  unlisted: true,
  errors: [],
  answers: [],
} as const

function printed(parts: ErrorPageParts, { code, status, title, help }: ExplainedError): object {
  return { code, status, title, help, type: errorType(parts.errorTypeBase, code) }
}

function json(call: PublicCall, body: object): Answer {
  const headers = { 'content-type': 'application/json', vary: 'Accept' }
  return publicAnswer(call, { status: 200, headers, body: JSON.stringify(body) })
}

function page(call: PublicCall, body: ReturnType<typeof errorPage>, status = 200): Answer {
  return publicPage(call, {
    status,
    allow: `style-src ${styleSource}; img-src data:`,
    headers: { vary: 'Accept' },
    body,
  })
}
