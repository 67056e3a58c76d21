import { enterTenant, PlinthError, type OwnTenant, type Principal, type Tenant } from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'

/** RFC 6749 §5.1, with the tenant that the access token is for. */
export const tokenSetSchema = z
  .object({
    access_token: z.string(),
    token_type: z.literal('bearer'),
    expires_in: z.int().describe('Seconds'),
    refresh_token: z.string(),
    tenant: z
      .object({ id: z.string(), slug: z.string(), name: z.string() })
      .nullable()
      .describe('The tenant that the access token is for; null where one has still to be chosen'),
  })
  .meta({ id: 'TokenSet' })

export type TokenSet = z.output<typeof tokenSetSchema>

export interface TokenSubject {
  readonly userId: string
  readonly sessionId: string
  readonly refreshToken: string
  readonly tenant: Tenant | undefined
}

/** An access token for this session, beside the refresh token that was made for it. */
export async function tokenSet(auth: Auth, subject: TokenSubject): Promise<TokenSet> {
  const { tenant, userId, sessionId } = subject
  const roles = tenant ? await rolesIn(auth, userId, tenant) : []
  const issued = await auth.tokens.issue({
    userId,
    sessionId,
    tenantId: tenant?.id ?? null,
    role: roles[0] ?? null,
    roles,
  })
  return {
    access_token: issued.token,
    token_type: 'bearer',
    expires_in: issued.expiresIn,
    refresh_token: subject.refreshToken,
    tenant: tenant ? shortTenant(tenant) : null,
  }
}

export function shortTenant({ id, slug, name }: Tenant): { id: string; slug: string; name: string } {
  return { id, slug, name }
}

/** What the token says of roles is for clients to show; what may be done is asked anew in every request. */
async function rolesIn({ platform }: Auth, userId: string, tenant: Tenant): Promise<readonly string[]> {
  const member = await platform.database.findMember(tenant.id, userId)
  return asFarAsTheyFit(platform.roles.rank(member?.roles ?? []))
}

/** A tenant may give somebody more roles than a header holds; signing in must not fail by it. The weightiest come first. */
function asFarAsTheyFit(ranked: readonly string[]): readonly string[] {
  let left = MOST_ROLE_CHARACTERS
  return ranked.filter((role) => (left -= role.length + 3) >= 0)
}

const MOST_ROLE_CHARACTERS = 2_000

/**
 * The tenant of a new session: the one that was asked for, among the user's own; else the only one; else none yet.
 * @param wanted id or slug
 * @returns `foreign` where what was asked for is none of his
 */
export async function tenantForSession(
  { platform }: Auth,
  userId: string,
  wanted: string | undefined,
): Promise<OwnTenant | undefined | 'foreign'> {
  const own = (await platform.directory?.tenantsOf(platform, userId)) ?? []
  if (wanted !== undefined) return own.find((one) => one.id === wanted || one.slug === wanted) ?? 'foreign'
  const open = own.filter(
    (one) => one.standing === 'active' && one.status !== 'closed' && one.status !== 'pending_deletion',
  )
  return open.length === 1 ? open[0] : undefined
}

/**
 * The tenant of the request and the caller as he is in it, by the rules of every request: a key or a service that names another tenant
 * learns nothing of it. Undefined where there is none, or he may not enter it at the moment.
 */
export async function enterIfAllowed(
  { platform }: Auth,
  principal: Principal,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly tenant: Tenant; readonly principal: Principal } | undefined> {
  const wanted = headers['x-tenant-id'] ?? platform.tenants.named?.(headers['host'])
  try {
    const tenant = await platform.tenants.choose(principal, wanted, platform.database)
    return { tenant, principal: await enterTenant(platform, principal, tenant) }
  } catch (error) {
    if (!PlinthError.is(error) || error.status >= 500) throw error
    return undefined
  }
}
