import type { Route } from '../routes/route.ts'

const headerDescriptions: Readonly<Record<string, string>> = {
  ETag: 'Version of the row, for If-Match and If-None-Match',
  Location: 'Where the new row is',
}

/** The responses of a route that are no errors. */
export function successResponses(route: Route): Record<string, object> {
  return Object.fromEntries(
    route.answers.map((answer) => [
      String(answer.status),
      {
        description: answer.description,
        headers: Object.fromEntries(
          [...(answer.headers ?? []), 'X-Request-Id'].map((name) => [
            name,
            { description: headerDescriptions[name] ?? 'Correlation id of the request', schema: { type: 'string' } },
          ]),
        ),
        ...(answer.schema
          ? {
              content: {
                'application/json': {
                  schema: answer.schema,
                  ...(answer.example === undefined ? {} : { example: answer.example }),
                },
              },
            }
          : {}),
      },
    ]),
  )
}
