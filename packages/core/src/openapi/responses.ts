import { exampleOf } from './example-of.ts'
import { commonHeaders } from './answer-headers.ts'
import type { Route, RouteAnswer } from '../routes/route.ts'

const headerDescriptions: Readonly<Record<string, string>> = {
  ETag: 'Version of the row, for If-Match and If-None-Match',
  Location: 'Where the new row is',
}

/** The responses of a route that are no errors: one per status, with every media type that it answers in. */
export function successResponses(route: Route): Record<string, object> {
  const byStatus = new Map<number, RouteAnswer[]>()
  for (const answer of route.answers) byStatus.set(answer.status, [...(byStatus.get(answer.status) ?? []), answer])
  return Object.fromEntries(
    [...byStatus].map(([status, answers]) => [String(status), response(route, status, answers)]),
  )
}

function response(route: Route, status: number, answers: readonly RouteAnswer[]): object {
  const names = new Set([...answers.flatMap((answer) => answer.headers ?? []), 'X-Request-Id'])
  const content = answers.flatMap((answer) => {
    const type = answer.contentType ?? (answer.schema ? 'application/json' : undefined)
    return type === undefined ? [] : [[type, mediaType(answer, type)] as const]
  })
  return {
    description: [...new Set(answers.map((answer) => answer.description))].join('; '),
    headers: {
      ...Object.fromEntries(
        [...names].map((name) => [
          name,
          { description: headerDescriptions[name] ?? 'Correlation id of the request', schema: { type: 'string' } },
        ]),
      ),
      ...commonHeaders(route, status),
    },
    ...(content.length > 0 ? { content: Object.fromEntries(content) } : {}),
  }
}

/** Without a schema, text is a string, and bytes are described by their media type alone (OpenAPI 3.1). */
function mediaType({ schema, example: given }: RouteAnswer, type: string): object {
  const example = given ?? (schema && type === 'application/json' ? exampleOf(schema, 'output') : undefined)
  return {
    schema: schema ?? (/^text\/|json$/.test(type) ? { type: 'string' } : {}),
    ...(example === undefined ? {} : { example }),
  }
}
