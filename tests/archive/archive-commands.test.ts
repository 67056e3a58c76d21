import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { furnish, openArchive, type ArchivePlatform } from './open-archive.ts'

/* The commands as the command line calls them: files, words, and what is asked for. */

let platform: ArchivePlatform
const folder = mkdtempSync(join(tmpdir(), 'plinth-commands-'))
const noted: string[] = []
beforeAll(async () => {
  platform = await openArchive()
  await furnish(platform, 'commands')
}, 120_000)
beforeEach(() => void noted.splice(0))
afterAll(async () => {
  await platform.close()
  rmSync(folder, { recursive: true })
})

function run(
  name: string,
  options: Readonly<Record<string, string | boolean>>,
  answer?: string,
): Promise<Readonly<Record<string, unknown>>> {
  const command = platform.plinth.commands.find((one) => one.name === name)!
  return command.run(options, { note: (text) => void noted.push(text), ask: () => Promise.resolve(answer) })
}

test('out into a file that nobody else may read, and in again', async () => {
  const out = join(folder, 'one.plinth')
  const exported = await run('tenant:export', { tenant: platform.a.slug, out })
  expect(exported).toMatchObject({ file: out, slug: platform.a.slug, id: platform.a.id })
  expect(statSync(out).mode & 0o777).toBe(0o600)
  expect(noted).toContain('  plinth.groups: 2 rows')
  const tried = await run('tenant:import', { file: out, as: 'one', 'dry-run': true })
  expect(tried).toMatchObject({ slug: 'one', dryRun: true, rows: exported['rows'], usersMatched: 5 })
  expect(await platform.database.findTenant('one')).toBeUndefined()
  const done = await run('tenant:import', { file: out, as: 'one' })
  expect(done).toMatchObject({ slug: 'one', dryRun: false })
  expect(done['mapped']).toEqual([`${platform.a.id} ${String(done['id'])}`])
})

test('nothing is written over, and what fails leaves no file', async () => {
  const there = join(folder, 'there.plinth')
  writeFileSync(there, 'mine')
  await expect(run('tenant:export', { tenant: platform.a.slug, out: there })).rejects.toMatchObject({
    code: 'already_exists',
  })
  expect(readFileSync(there, 'utf8')).toBe('mine')
  const out = join(folder, 'nobody.plinth')
  await expect(run('tenant:export', { tenant: 'nobody', out })).rejects.toMatchObject({ code: 'not_found' })
  expect(existsSync(out)).toBe(false)
  await expect(
    run('tenant:export', { tenant: platform.a.slug, out: join(folder, 'no/such/folder/x') }),
  ).rejects.toMatchObject({
    code: 'validation_failed',
    detail: expect.stringContaining('no such file or folder') as unknown,
  })
})

test.each([
  ['is not there', 'gone.plinth', /there is no such file or folder/],
  ['is a folder', '.', /it is a folder/],
  ['is no archive', 'there.plinth', /no archive of a tenant/],
])('a file that %s is told in words', async (_, name, words) => {
  await expect(run('tenant:import', { file: join(folder, name) })).rejects.toMatchObject({
    name: 'PlinthError',
    detail: expect.stringMatching(words) as unknown,
  })
})

test('a passphrase is asked for, or comes from a variable, and is no option', async () => {
  const out = join(folder, 'secrets.plinth')
  const options = { tenant: platform.a.slug, out, secrets: true }
  await expect(run('tenant:export', options)).rejects.toMatchObject({
    detail: expect.stringContaining('PLINTH_ARCHIVE_PASSPHRASE') as unknown,
  })
  await expect(run('tenant:export', options, 'short')).rejects.toMatchObject({ code: 'validation_failed' })
  expect(existsSync(out)).toBe(false)
  expect((await run('tenant:export', options, 'two swans on the canal'))['left']).toEqual([])
  vi.stubEnv('PLINTH_ARCHIVE_PASSPHRASE', 'two swans on the canal')
  try {
    const done = await run('tenant:import', { file: out, as: 'with-secrets', secrets: true })
    expect(JSON.stringify(done['notes'])).not.toContain('left out')
  } finally {
    vi.unstubAllEnvs()
  }
})
