import { problem, statement, validate, type SystemTransaction } from '@plinth/core'
import { z } from 'zod'
import { isReserved } from '../directory/slug.ts'
import { tenantSlug } from '../lifecycle/found-tenant.ts'
import type { ArchivedTenant } from './format.ts'

const given = z.object({ as: tenantSlug })

/**
 * Founds the tenant of an archive, with its tables where each tenant has a schema. It keeps its id; with another slug it is a copy,
 * and gets a new id where the other one is still here.
 * @returns its id
 * @throws validation_failed, already_exists
 */
export async function foundArriving(
  system: SystemTransaction,
  archived: ArchivedTenant,
  as: string | undefined,
): Promise<string> {
  const { as: slug } = validate(given, { as: as ?? archived.slug })
  if (isReserved(slug))
    throw problem('validation_failed', {
      detail: `${slug} means something else as a host name: choose another slug (--as).`,
    })
  const taken = await system.run(statement`
    select id, slug from plinth.tenants where id = ${archived.id}::uuid or slug = ${slug}::text`)
  if (taken.some((row) => row['slug'] === slug))
    throw problem('already_exists', {
      detail: `There is a tenant ${slug} on this platform: choose another slug (--as).`,
    })
  const here = taken.find((row) => row['id'] === archived.id)
  if (here && as === undefined)
    throw problem('already_exists', {
      detail: `The tenant of this archive is on this platform, as ${String(here['slug'])}: choose a slug for the copy (--as).`,
    })
  const { tenant, founded } = await system.found({ ...(!here && { id: archived.id }), slug, name: archived.name })
  if (!founded) throw problem('already_exists', { detail: `There is a tenant ${slug} on this platform by now.` })
  return tenant.id
}
