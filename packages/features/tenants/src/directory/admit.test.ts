import { type Platform, type Tenant } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { peoplePlatform, type PeoplePlatform } from '../../tests/people-platform.ts'
import { admitBy, type Registration } from './admit.ts'
import { tenantsOf } from './tenants-of.ts'

let platform: PeoplePlatform
let parts: Platform
beforeAll(async () => {
  platform = await peoplePlatform({ features: [{ name: 'spy', start: (started) => void (parts = started) }] })
})
afterAll(() => platform.close())

async function register(
  organizationName?: string,
  { registration = 'found', name = 'Ada' }: { readonly registration?: Registration; readonly name?: string } = {},
): Promise<{ readonly userId: string; readonly tenant: Tenant | undefined }> {
  const { id: userId, email } = await platform.person()
  const newcomer = { userId, email, emailVerified: false, name, organizationName }
  const tenant = await platform.database.system((system) => admitBy(registration)(parts, system, newcomer))
  return { userId, tenant }
}

describe('a newcomer', () => {
  test('founds a tenant and owns it', async () => {
    const { userId, tenant } = await register('Grün & Co.')
    expect(tenant).toMatchObject({ slug: 'grun-co', name: 'Grün & Co.', status: 'active' })
    // What a tenant has subscribed to is known where a request enters it.
    const { plan: _plan, tier: _tier, ...listed } = tenant!
    expect(await tenantsOf(parts, userId)).toEqual([{ ...listed, standing: 'active', roles: ['owner'] }])
  })

  test('without a name for it has it under his own; a reserved word is no slug', async () => {
    expect((await register(undefined, { name: 'Ada L' })).tenant).toMatchObject({ slug: 'ada-l', name: 'Ada L' })
    expect((await register('  ', { name: '' })).tenant!.slug).toMatch(/^person\d+/)
    expect((await register('Admin')).tenant!.slug).toBe('admin-2')
  })

  test('gets none where people are only invited', async () => {
    const { userId, tenant } = await register('Mine', { registration: 'invited' })
    expect([tenant, await tenantsOf(parts, userId)]).toEqual([undefined, []])
  })

  test('twenty of one name at once: each has a slug of his own', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => register('Same Name')))
    const slugs = made.map(({ tenant }) => tenant!.slug)
    expect(new Set(slugs).size).toBe(20)
    expect(slugs).toContain('same-name')
  })
})
