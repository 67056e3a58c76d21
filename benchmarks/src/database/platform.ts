import { benchPlatform } from '../platform/bench-platform.ts'
import type { DatabaseUrls } from './prepare.ts'
import { slugs } from './tenants.ts'

/**
 * Makes the schema as Plinth's users make it, and founds the tenants. With the tables of all features, so that one template
 * serves every server.
 * @returns ids by slug
 */
export async function foundTenants(urls: DatabaseUrls): Promise<ReadonlyMap<string, string>> {
  const plinth = benchPlatform({ databaseUrl: urls.app, ownerUrl: urls.owner, tenants: [], variant: 'migrating' })
  try {
    await plinth.migrate()
    const ids = new Map<string, string>()
    for (const slug of slugs()) ids.set(slug, (await plinth.foundTenant({ slug, name: slug })).id)
    return ids
  } finally {
    await plinth.close()
  }
}
