import { depot } from '@plinth/testing'
import { afterAll, expect, test } from 'vitest'
import { lookoutDeclaration } from '../../examples/saas/src/declaration.ts'
import { clear, contentOf, furnish, openArchive, type ArchivePlatform } from './open-archive.ts'

/** Every column kind there is, and Lookout with its trees of templates. */
const resources = [...depot, ...lookoutDeclaration({ allowPrivate: false, timeout: 1_000 }).resources]

const opened: ArchivePlatform[] = []
afterAll(async () => {
  for (const platform of opened) await platform.close()
})

async function open(isolation: 'shared' | 'schema', keys: string): Promise<ArchivePlatform> {
  const platform = await openArchive({ isolation, keys, resources })
  opened.push(platform)
  return platform
}

test.each([
  ['shared', 'shared'],
  ['shared', 'schema'],
  ['schema', 'shared'],
  ['schema', 'schema'],
] as const)(
  'export, import, export: from %s to %s not one byte is another',
  async (from, to) => {
    const [source, target] = [await open(from, 'source'), await open(to, 'target')]
    await furnish(source, `${from}-${to}`)
    await clear(target)
    const first = await source.export()
    expect(first.report.rows).toBeGreaterThan(100)
    const report = await target.import(first.bytes)
    expect(report).toMatchObject({ usersCreated: 5, usersMatched: 0, mapped: {}, tenant: { id: source.a.id } })
    // Addresses are for their people to prove here too; when they were proven there is all that would be another.
    const proven = await target.stored(
      `update plinth.users set email_verified_at = '2024-02-03T04:05:06.789012Z'
       where email_verified_at is null and id in (select user_id from plinth.memberships where tenant_id = $1::uuid)
         and email <> $2 returning id`,
      [source.a.id, `${from}-${to}-2@example.test`],
    )
    expect(proven).toHaveLength(4)
    const second = await target.export({ tenant: source.a.id })
    expect(contentOf(second)).toBe(contentOf(first))
    expect(second.report.sha256).toBe(first.report.sha256)
  },
  120_000,
)
