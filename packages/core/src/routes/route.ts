import type { z } from 'zod'
import type { Answer } from '../pipeline/answer.ts'
import type { Call, PersonalCall, PublicCall } from '../pipeline/call.ts'
import type { Rate } from '../ports/rate-limits.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** How a query parameter is described in OpenAPI; reading it is the route's own business. */
export interface QueryParameter {
  readonly name: string
  readonly description: string
  readonly schema: z.ZodType
  readonly required?: boolean
}

/** A limit of one route: `{ name: 'register', by: 'client', capacity: 60, windowSeconds: 3_600 }`. */
export interface RouteLimit extends Rate {
  /** Lower-case letters, digits and hyphens; routes that name the same one share it. */
  readonly name: string
  /** Each sender's address has a bucket (IPv6: each /64). */
  readonly by: 'client'
}

/** What a route tells about itself. OpenAPI, permissions and the router read the same data. */
interface RouteFacts {
  readonly method: Method
  /** Whole path without the base path, parameters as `:name`: `/api/v1/sites/:id`. */
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly tag: string
  readonly origin: 'product' | 'platform'
  readonly query?: readonly QueryParameter[]
  /** Schema of the request body; a request with a body of another media type is 415. */
  readonly body?: {
    readonly schema: z.ZodType
    readonly mergePatch?: boolean
    /** Forms (`application/x-www-form-urlencoded`) are read as well, each field as a text. */
    readonly form?: boolean
    readonly example?: unknown
    readonly optional?: boolean
  }
  readonly answers: readonly RouteAnswer[]
  /** Error codes beside those that every route may answer with. */
  readonly errors: readonly string[]
  /** Limits of its own on each sender, beside those of all requests; `none` takes it out of these too (health, OPTIONS). */
  readonly limits?: readonly RouteLimit[] | 'none'
  /** `never`: answered even where there is too much to do (health, metrics). */
  readonly shed?: 'never'
  /** Not in OpenAPI. */
  readonly unlisted?: boolean
}

/** One way in which a route answers. Several of one status are one response with several media types. */
export interface RouteAnswer {
  readonly status: number
  readonly description: string
  /** Media type of the body, without parameters. Default `application/json` where there is a schema, else no body. */
  readonly contentType?: string
  readonly schema?: z.ZodType
  readonly example?: unknown
  readonly headers?: readonly string[]
}

/** Reachable by anyone. Nothing else is reachable without a principal. */
export interface PublicRoute extends RouteFacts {
  readonly public: true
  /** Whether it needs the database as declared: answers 503 until it is. */
  readonly stored?: boolean
  /** Part of what it does is for who has signed in: it asks `personOf` then, and OpenAPI says that a credential may be shown. */
  readonly optionalCredential?: boolean
  readonly handle: (call: PublicCall) => Answer | Promise<Answer>
}

/**
 * Reachable by whoever is known, for what is his own (his sessions, his factors) or, for superadmins, the operator's. There is no
 * permission to it: the route asks for nothing but who is asking, and takes nobody's name from the request.
 */
export interface PersonalRoute extends RouteFacts {
  readonly public: false
  /** `user`: a person by a session, not by a key. `superadmin`: the operator. `anyone`: every principal. */
  readonly personal: 'user' | 'anyone' | 'superadmin'
  /**
   * Whether it is about the caller in one tenant. Without a tenant, what a tenant asks of its members (a second factor, say) is not
   * asked: here one gets it.
   */
  readonly inTenant: boolean
  /** A permission that is about no rows (`setting:update`); asked in the tenant, in the scope `all`. */
  readonly needs?: string
  readonly handle: (call: PersonalCall) => Promise<Answer>
}

/** Reachable by a principal who holds the permission on some row. */
export interface GuardedRoute extends RouteFacts {
  readonly public: false
  readonly personal?: undefined
  readonly resource: ResourceInfo
  /** The permission action: `read`, `create`, `update`, `delete` or a verb of the resource. */
  readonly verb: string
  /** Whose permission it is, where that is another resource than the one of the path. */
  readonly guarded?: ResourceInfo
  /** Number of `resource:verb`, for the decision. */
  readonly permission: number
  /** Other verbs (`of` another resource, where it says so), any of which will do as well: the route asks each for what it does by it. */
  readonly otherwise?: readonly { readonly verb: string; readonly of?: string; readonly permission: number }[]
  /** Seconds within which its caller must have signed in. */
  readonly fresh?: number | undefined
  /** Number of `resource:read`: what may be seen decides between 404 and 403. */
  readonly seeing: number
  readonly handle: (call: Call) => Promise<Answer>
}

export type Route = PublicRoute | PersonalRoute | GuardedRoute

/** Whether it is about rows and asks for a permission. */
export function isGuarded(route: Route): route is GuardedRoute {
  return !route.public && route.personal === undefined
}
