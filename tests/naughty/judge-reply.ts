import { coreErrors } from '@plinth/core'
import type { WireReply, WireRequest } from '@plinth/testing'

/** Words of the inside that an answer must not hold: stacks, files, drivers, PostgreSQL. */
const inside =
  /\n\s+at |node_modules|file:\/\/|\.ts:\d+|PostgresError|DriverError|PlinthError|TypeError|SyntaxError|RangeError|SQLSTATE|violates|relation "|syntax error|invalid input syntax|duplicate key value|plinth_|idempotency_keys|set_config/i

/** What is wrong with an answer to a naughty request, in words; undefined when it is as documented. */
export function wrongReply(request: Pick<WireRequest, 'method' | 'target'>, reply: WireReply): string | undefined {
  const { status, headers, body } = reply
  const says = (words: string): string => `${words}: ${status} ${headers['content-type'] ?? ''} ${body.slice(0, 300)}`
  if (status >= 500) return says('a server error')
  if (headers['x-content-type-options'] !== 'nosniff') return says('no nosniff')
  if (headers['x-request-id'] === undefined) return says('no x-request-id')
  if (inside.test(Object.values(headers).join('\n'))) return says('it tells of the inside')
  if (status < 400) return undefined
  if (inside.test(body)) return says('it tells of the inside')
  // What an error means is told to people, a code that there is not as well.
  if (status === 404 && /^\/(?:api\/(?:v1\/)?)?docs\/errors\//.test(request.target) && isPage(headers)) return undefined
  if (headers['content-type'] !== 'application/problem+json') return says('no problem+json')
  if (status === 401 && headers['www-authenticate'] !== 'Bearer') return says('401 without WWW-Authenticate')
  if (status === 405 && !headers['allow']) return says('405 without Allow')
  if (request.method === 'HEAD') return body === '' ? undefined : says('HEAD with a body')
  return wrongProblem(reply)
}

function isPage(headers: WireReply['headers']): boolean {
  return headers['content-type'] === 'text/html; charset=utf-8' && headers['content-security-policy'] !== undefined
}

interface Problem {
  readonly type?: unknown
  readonly title?: unknown
  readonly status?: unknown
  readonly detail?: unknown
  readonly code?: unknown
  readonly requestId?: unknown
  readonly errors?: unknown
}

const members = new Set(['type', 'title', 'status', 'detail', 'code', 'requestId', 'errors'])

function wrongProblem({ status, headers, body }: WireReply): string | undefined {
  const says = (words: string): string => `${words}: ${status} ${body.slice(0, 300)}`
  let problem: Problem
  try {
    problem = JSON.parse(body) as Problem
  } catch {
    return says('the problem is no JSON')
  }
  const definition = (coreErrors as Readonly<Record<string, { readonly status: number; readonly title: string }>>)[
    String(problem.code)
  ]
  if (!definition) return says('a code that is in no registry')
  if (definition.status !== status || problem.status !== status) return says('the status is not that of the code')
  if (problem.title !== definition.title) return says('the title is not that of the code')
  if (problem.type !== `/docs/errors/${String(problem.code)}`) return says('the type is not that of the code')
  if (problem.requestId !== headers['x-request-id']) return says('two request ids')
  if (problem.detail !== undefined && typeof problem.detail !== 'string') return says('a detail that is no text')
  const more = Object.keys(problem).filter((key) => !members.has(key))
  if (more.length > 0) return says(`members that are not documented (${more.join()})`)
  if (problem.errors === undefined) return undefined
  const entries = Array.isArray(problem.errors) ? (problem.errors as readonly Readonly<Record<string, unknown>>[]) : []
  const sound =
    entries.length > 0 &&
    entries.every(
      (entry) =>
        Object.keys(entry).sort().join() === 'code,message,path' &&
        Object.values(entry).every((value) => typeof value === 'string'),
    )
  return sound ? undefined : says('errors are not as documented')
}
