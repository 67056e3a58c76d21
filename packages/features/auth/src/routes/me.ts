import {
  csrfToken,
  jsonAnswer,
  sessionCookie,
  type PersonalCall,
  type PersonalRoute,
  type Principal,
} from '@plinth/core'
import { z } from 'zod'
import { findAccount } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { enterIfAllowed, shortTenant } from '../sign-in/token-set.ts'
import { noStore, personalAuth, userSchema } from './route-facts.ts'

const shortTenantSchema = z.object({ id: z.string(), slug: z.string(), name: z.string() })
export const meSchema = z
  .object({
    kind: z.enum(['user', 'service', 'apiKey', 'system']),
    user: userSchema.nullable().describe('Null for a key or a service without a person behind it'),
    superadmin: z.boolean(),
    secondFactor: z.boolean().describe('Whether this session has shown one'),
    tenant: shortTenantSchema.nullable(),
    memberships: z.array(
      shortTenantSchema.extend({ standing: z.string(), status: z.string(), roles: z.array(z.string()) }),
    ),
    roles: z.array(z.string()),
    permissions: z.array(z.string()).describe('`site:update:own`: model, action and scope'),
    csrfToken: z.string().optional().describe('For unsafe requests of a session in a cookie: X-CSRF-Token'),
  })
  .meta({ id: 'Me' })

/** `GET /auth/me`: who the caller is, where, and what he may do there. */
export function me(auth: () => Auth): PersonalRoute {
  return {
    ...personalAuth,
    personal: 'anyone',
    method: 'GET',
    path: '/api/v1/auth/me',
    operationId: 'readMe',
    summary: 'Who I am, where, and what I may do',
    errors: [],
    answers: [{ status: 200, description: 'The caller', schema: meSchema }],
    async handle(call) {
      return jsonAnswer(200, JSON.stringify(await describe(auth(), call)), noStore)
    },
  }
}

export async function describe(auth: Auth, call: PersonalCall): Promise<z.output<typeof meSchema>> {
  const { platform } = auth
  const { principal } = call
  const account = principal.userId === null ? undefined : await findAccount(platform, { userId: principal.userId })
  const memberships =
    principal.kind === 'user' && platform.directory ? await platform.directory.tenantsOf(platform, principal.id) : []
  const { tenant, principal: entered } = (await enterIfAllowed(auth, principal, call.headers)) ?? {}
  const cookie =
    principal.session?.credential === 'cookie' ? sessionCookie(call.headers.cookie, call.client.secure) : undefined
  return {
    kind: principal.kind,
    user: account
      ? {
          id: account.userId,
          email: account.email,
          username: account.username,
          name: account.name,
          emailVerified: account.emailVerified,
        }
      : null,
    superadmin: principal.superadmin === true,
    secondFactor: principal.session?.secondFactor === true,
    tenant: tenant ? shortTenant(tenant) : null,
    memberships: memberships.map((one) => ({
      ...shortTenant(one),
      standing: one.standing,
      status: one.status,
      roles: [...one.roles],
    })),
    roles: [...(entered?.roles ?? [])],
    permissions: entered ? permissionsOf(auth, entered) : [],
    ...(cookie === undefined ? {} : { csrfToken: csrfToken(platform, cookie) }),
  }
}

function permissionsOf({ platform }: Auth, { permissions }: Principal): string[] {
  return platform.registry.permissions.names.flatMap((name, number) =>
    permissions.scopes(number).map((scope) => `${name}:${scope}`),
  )
}
