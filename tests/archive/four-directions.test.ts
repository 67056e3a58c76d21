import { depot } from '@plinth/testing'
import { afterAll, expect, test } from 'vitest'
import { lookoutResources } from '../../examples/saas/src/resources/all.ts'
import { clear, contentOf, furnish, openArchive, type ArchivePlatform } from './open-archive.ts'

/** Every column kind there is, and Lookout with its trees of templates. */
const resources = [...depot, ...lookoutResources({ allowPrivate: false, timeout: 1_000 })]

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
    const second = await target.export({ tenant: source.a.id })
    expect(contentOf(second)).toBe(contentOf(first))
    expect(second.report.sha256).toBe(first.report.sha256)
  },
  120_000,
)
