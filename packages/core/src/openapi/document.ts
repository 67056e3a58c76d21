import { exampleOf } from './example-of.ts'
import { boundSchemas } from './bounds.ts'
import { headerComponents } from './answer-headers.ts'
import { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi'
import type { ErrorDefinition } from '../errors/registry.ts'
import type { Limits } from '../platform/platform.ts'
import type { Registry } from '../platform/registry.ts'
import { fieldOf } from '../resource/resource-info.ts'
import { isGuarded, type GuardedRoute, type PersonalRoute, type Route } from '../routes/route.ts'
import { securitySchemes } from './security-schemes.ts'
import { describeTags } from './tags.ts'
import { errorResponses, problemSchema } from './errors.ts'
import { successResponses } from './responses.ts'

export interface DocumentInfo {
  readonly title: string
  readonly version: string
  readonly description?: string
  readonly license?: ApiLicense
}

/** Under which terms the API may be used; `identifier` is an SPDX expression. */
export interface ApiLicense {
  readonly name: string
  readonly identifier?: string
  readonly url?: string
}

/** The API of a product belongs to the product, whatever the license of what it stands on. */
const proprietary: ApiLicense = { name: 'Proprietary', identifier: 'LicenseRef-Proprietary' }

interface DocumentParts {
  readonly info: DocumentInfo
  readonly basePath: string
  /** What the `type` of errors begins with. */
  readonly errorTypeBase: string
  readonly registry: Registry
  readonly routes: readonly Route[]
  /** What is read of a request at most. */
  readonly limits: Limits
  /** Errors of the core and of every feature, by code. */
  readonly errors: Readonly<Record<string, ErrorDefinition>>
}

export type OpenApiDocument = ReturnType<typeof createDocument>

/**
 * The OpenAPI 3.1 document, from the very route data that requests are routed by. Aliases and HTML routes are not in it.
 * Each path item says whether it is the product's or the platform's (`x-origin`), each operation which permission it needs
 * (`x-permission`) and how many seconds ago its caller may have signed in (`x-fresh`), each property that points at a row where it points (`x-references`).
 */
export function openApiDocument(parts: DocumentParts): OpenApiDocument {
  const listed = parts.routes.filter((route) => !route.unlisted)
  const paths: ZodOpenApiPathsObject = {}
  for (const route of listed) {
    const path = route.path.replace(/:([a-zA-Z]+)/g, '{$1}')
    paths[path] = {
      ...paths[path],
      'x-origin': route.origin,
      [route.method.toLowerCase()]: operation(route, parts),
    }
  }
  const schemes = securitySchemes(parts.registry.features)
  const document = createDocument({
    openapi: '3.1.0',
    info: {
      title: parts.info.title,
      version: parts.info.version,
      description: parts.info.description ?? 'Made by Plinth from the declared resources.',
      license: { ...(parts.info.license ?? proprietary) },
    },
    servers: [{ url: parts.basePath === '' ? '/' : parts.basePath, 'x-internal': false }],
    security: anyOf(parts.registry),
    tags: describeTags(listed, parts.registry),
    paths,
    components: {
      securitySchemes: schemes,
      schemas: { ProblemDetails: problemSchema },
      headers: headerComponents,
    },
  })
  return boundSchemas(document, parts.limits)
}

function operation(
  route: Route,
  { errors, errorTypeBase, registry }: Pick<DocumentParts, 'errors' | 'errorTypeBase' | 'registry'>,
): ZodOpenApiOperationObject {
  const path = [...route.path.matchAll(/:([a-zA-Z]+)/g)].map((match) => ({
    name: match[1]!,
    in: 'path' as const,
    required: true,
    description: `The ${match[1]!} of the row`,
    schema: parameterSchema(route, match[1]!),
  }))
  const query = (route.query ?? []).map((parameter) => ({
    name: parameter.name,
    in: 'query' as const,
    required: parameter.required ?? false,
    description: parameter.description,
    schema: jsonSchema(parameter.schema),
  }))
  const example = route.body && (route.body.example ?? exampleOf(route.body.schema, 'input'))
  const headers = route.public || (route.personal && !route.inTenant) ? [] : headerParameters(route)
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [route.tag],
    ...(route.public
      ? { security: [{}, ...(route.optionalCredential ? anyOf(registry) : [])] }
      : { 'x-permission': permissionInWords(route) }),
    ...(isGuarded(route) && route.fresh !== undefined ? { 'x-fresh': route.fresh } : {}),
    parameters: [...path, ...query, ...headers],
    ...(route.body
      ? {
          requestBody: {
            required: !route.body.optional,
            content: Object.fromEntries(
              ['application/json', ...(route.body.mergePatch ? ['application/merge-patch+json'] : [])].map((type) => [
                type,
                {
                  schema: route.body!.schema,
                  ...(example === undefined ? {} : { example }),
                },
              ]),
            ),
          },
        }
      : {}),
    responses: { ...successResponses(route), ...errorResponses(route, errors, errorTypeBase) },
  } as ZodOpenApiOperationObject
}

function anyOf({ features }: Registry): Record<string, []>[] {
  return Object.keys(securitySchemes(features)).map((name) => ({ [name]: [] }))
}

/** A row's id has the form that its column has; other parameters are texts. */
function parameterSchema(route: Route, name: string): object {
  if (name !== 'id' || !isGuarded(route)) return { type: 'string' }
  const { kind, column } = fieldOf(route.resource, 'id')
  return jsonSchema(kind.schema(column))
}

/** What is needed: a permission, or only to be somebody. */
function permissionInWords(route: GuardedRoute | PersonalRoute): string {
  if (route.personal && route.needs !== undefined) return route.needs
  if (route.personal) return { user: 'self', anyone: 'self', superadmin: 'superadmin' }[route.personal]
  const { name } = route.guarded ?? route.resource
  return [route, ...(route.otherwise ?? [])].map((way) => `${name}:${way.verb}`).join(' or ')
}

/** Schemas of parameters stand alone: nothing of them is shared as a component. */
function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return rest
}

function headerParameters(route: Route): readonly object[] {
  const header = (name: string, description: string): object => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  })
  const changes = route.method !== 'GET' && route.path.includes('/:id')
  return [
    ...(route.method === 'GET'
      ? []
      : [header('Idempotency-Key', 'The same key with the same request answers what the first one did')]),
    ...(changes ? [header('If-Match', 'ETag of the row as you read it; 412 when it has changed since')] : []),
    ...(route.method === 'GET' && route.answers.some((answer) => answer.status === 304)
      ? [header('If-None-Match', 'ETag of the row as you have it; 304 when it is the same')]
      : []),
    header('X-Tenant-ID', 'Id or slug of one of your tenants; needed only where the credential has several'),
  ]
}
