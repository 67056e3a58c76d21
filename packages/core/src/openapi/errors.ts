import { z } from 'zod'
import { MOST_FAULTS } from '../input/validate.ts'
import { exampleProblem } from '../errors/example-problem.ts'
import type { ErrorDefinition } from '../errors/registry.ts'
import { commonHeaders } from './answer-headers.ts'
import type { Route } from '../routes/route.ts'

/** RFC 9457 problem details, with the members that Plinth adds. */
export const problemSchema = z
  .object({
    type: z.string().describe('Where the error is explained'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().optional(),
    code: z.string().describe('Stable name of the error'),
    requestId: z.string(),
    errors: z
      .array(z.object({ path: z.string(), code: z.string(), message: z.string() }))
      .max(MOST_FAULTS)
      .optional(),
  })
  .meta({ id: 'ProblemDetails', description: 'RFC 9457 problem details' })

const everywhere = [
  'malformed_request',
  'url_too_long',
  'headers_too_large',
  'internal_error',
  'unavailable',
  'overloaded',
]
const guarded = [
  'unauthenticated',
  'invalid_credential',
  'tenant_required',
  'tenant_forbidden',
  'permission_denied',
  'tenant_suspended',
  'second_factor_required',
  'csrf_failed',
]
/** Of routes that are about the caller and no tenant. */
const personal = ['unauthenticated', 'invalid_credential', 'permission_denied', 'csrf_failed']
const unsafe = ['idempotency_in_progress', 'idempotency_key_reused', 'answer_not_repeatable']

/** The problem responses of a route, one per status, each naming its codes. */
export function errorResponses(
  route: Route,
  errors: Readonly<Record<string, ErrorDefinition>>,
  typeBase: string,
): Record<string, object> {
  const inTenant = !route.public && (!route.personal || route.inTenant)
  const codes = new Set([
    ...everywhere,
    ...(route.limits === 'none' ? [] : ['rate_limited']),
    ...(route.public ? (route.optionalCredential ? personal : []) : inTenant ? guarded : personal),
    ...(!inTenant || route.method === 'GET' ? [] : unsafe),
    ...route.errors,
  ])
  const byStatus = new Map<number, string[]>()
  for (const code of codes) {
    const status = errors[code]?.status
    if (status === undefined) throw new Error(`${route.operationId} names the unknown error ${code}`)
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, names]) => [
        String(status),
        {
          description: names.map((name) => `${name}: ${errors[name]!.title}`).join('; '),
          headers: commonHeaders(route, status),
          content: {
            'application/problem+json': {
              schema: problemSchema,
              example: exampleProblem(typeBase, names[0]!, errors[names[0]!]!),
            },
          },
        },
      ]),
  )
}
