import {
  jsonAnswer,
  printPage,
  problem,
  readPage,
  statement,
  type PersonalCall,
  type TextAnswer,
  type Page,
} from '@plinth/core'
import { z } from 'zod'
import { tenantsOf } from '../directory/tenants-of.ts'
import { tenantSchema } from '../directory/tenant-schema.ts'
import { isOperator } from './entered-tenant.ts'
import { detailsOf, tenantDetails } from './tenant-row.ts'

export const listedTenant = z.union([
  tenantSchema
    .extend({ standing: z.enum(['active', 'suspended']), roles: z.array(z.string()) })
    .meta({ id: 'OwnTenant' }),
  tenantDetails,
])

export const tenantFilters = ['slug', 'status', 'search'] as const

/** `GET /tenants`: the caller's own, with what he is in each; for the operator all. */
export async function listTenants(call: PersonalCall): Promise<TextAnswer> {
  const { platform, principal } = call
  if (isOperator(principal)) return listAllTenants(call)
  const page = readPage(call.search)
  return jsonAnswer(200, printPage(page, (await own()).slice(page.offset, page.offset + page.pageSize + 1)))

  async function own(): Promise<readonly object[]> {
    if (principal.kind === 'user' && principal.rights?.member !== undefined)
      return tenantsOf(platform, principal.rights.member)
    const bound = principal.tenant === null ? undefined : await platform.database.findTenant(principal.tenant)
    return bound ? [{ ...bound, standing: 'active', roles: principal.roles ?? [] }] : []
  }
}

/** All tenants, the newest first, for the operator. */
export async function listAllTenants(call: PersonalCall): Promise<TextAnswer> {
  const page = readPage(call.search, tenantFilters)
  const rows = await call.platform.database.system((system) => system.run(allTenants(page)))
  return jsonAnswer(200, printPage(page, rows.map(detailsOf)))
}

function allTenants({ others, pageSize, offset }: Page): ReturnType<typeof statement> {
  const [slug, status, search] = tenantFilters.map((name) => others.get(name) ?? null)
  if (status !== null && !tenantSchema.shape.status.safeParse(status).success)
    throw problem('invalid_query', {
      errors: [
        {
          path: '?status',
          code: 'invalid_value',
          message: `Expected one of: ${tenantSchema.shape.status.options.join(', ')}`,
        },
      ],
    })
  return statement`
    select id, slug, name, status, require_mfa, plan, tier, version, created_at, updated_at, delete_after
    from plinth.tenants
    where (${slug!}::text is null or slug = ${slug!}::text) and (${status!}::text is null or status = ${status!}::text)
      and (${search!}::text is null or strpos(lower(slug), lower(${search!}::text)) > 0
        or strpos(lower(name), lower(${search!}::text)) > 0)
    order by created_at desc, id desc limit ${pageSize + 1}::int offset ${offset}::int`
}
