import { randomBytes, randomUUID } from 'node:crypto'
import { Readable, Writable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Forged } from './forge-archive.ts'
import { contentOf, furnish, openArchive, type ArchivePlatform } from './open-archive.ts'

let here: ArchivePlatform
let there: ArchivePlatform
beforeAll(async () => {
  here = await openArchive({ keys: 'here' })
  there = await openArchive({ keys: 'there' })
  await furnish(here, 'moving')
}, 180_000)
afterAll(async () => {
  await here.close()
  await there.close()
})

const rowsOf = (platform: ArchivePlatform, tenantId: string): Promise<unknown> =>
  platform.stored(
    `select (select count(*) from crates where tenant_id = $1::uuid) as crates,
       (select count(*) from plinth.memberships where tenant_id = $1::uuid) as members,
       (select count(*) from plinth.tenants where id = $1::uuid) as tenants`,
    [tenantId],
  )

describe('a copy on the same platform', () => {
  test('has a slug and an id of its own, the same people, and the same rows', async () => {
    const archive = await here.export()
    await expect(here.import(archive.bytes)).rejects.toMatchObject({ code: 'already_exists', status: 409 })
    const report = await here.import(archive.bytes, { as: 'copy' })
    expect(report).toMatchObject({ usersMatched: 5, usersCreated: 0, tenant: { slug: 'copy' } })
    expect(report.mapped).toEqual({ [here.a.id]: report.tenant.id })
    const again = new Forged(await here.export({ tenant: 'copy' }))
    expect(again.tables).toEqual(new Forged(archive).tables)
    expect(contentOf(await here.export())).toBe(contentOf(archive))
  })

  test('numbers go on behind those that were brought', async () => {
    const [largest] = await here.stored(
      `select max(m.id)::int as id from manifests m join plinth.tenants t on t.id = m.tenant_id where t.slug = 'copy'`,
    )
    const made = await here.request(here.a.actors.full, 'POST', '/api/v1/manifests', { title: 'next' })
    expect(made.status, made.body).toBe(201)
    expect(Number((made.json as { id: unknown }).id)).toBeGreaterThan(Number(largest!['id']))
  })

  test('numbers of all tenants stay where they are when a copy is refused, or tried', async () => {
    const archive = new Forged(await here.export())
    const { columns, rows } = archive.of('manifests')
    rows.push(rows[0]!.map((value, at) => (columns[at]![0] === 'id' ? '1000000' : value)))
    const reached = async (): Promise<unknown> => {
      const [sequence] = await here.stored(`select pg_get_serial_sequence('manifests', 'id') as name`)
      return here.stored(`select last_value from ${String(sequence!['name'])}`)
    }
    const before = await reached()
    await here.import(archive.packed(), { as: 'numbered', dryRun: true })
    expect(await reached()).toEqual(before)
    archive.set('plinth.user_roles', 'role', 'ghost')
    await expect(here.import(archive.packed(), { as: 'numbered' })).rejects.toMatchObject({
      detail: expect.stringContaining('ghost') as unknown,
    })
    expect(await reached()).toEqual(before)
  })

  test('a number that is too large for all tenants is refused by the trial as by the import', async () => {
    const archive = new Forged(await here.export())
    const { columns, rows } = archive.of('manifests')
    rows.push(rows[0]!.map((value, at) => (columns[at]![0] === 'id' ? '2000000000' : value)))
    const refused = {
      code: 'validation_failed',
      detail: 'manifests.id numbers rows, and 2000000000 is too large a number.',
    }
    await expect(here.import(archive.packed(), { as: 'tried', dryRun: true })).rejects.toMatchObject(refused)
    await expect(here.import(archive.packed(), { as: 'tried' })).rejects.toMatchObject(refused)
  })

  test('an entry of the ACL is about a row by its id, as its table has ids', async () => {
    const honest = await here.export()
    const about = (recordId: string): Uint8Array => {
      const archive = new Forged(honest)
      archive.set('plinth.acl_entries', 'model', 'manifest')
      archive.set('plinth.acl_entries', 'action', '*')
      archive.set('plinth.acl_entries', 'record_id', recordId)
      return archive.packed()
    }
    for (const recordId of [randomUUID(), 'x', '042', '+42', '4e1', '99999999999'])
      await expect(here.import(about(recordId), { as: 'listed', dryRun: true }), recordId).rejects.toMatchObject({
        code: 'archive_invalid',
        detail: expect.stringContaining('record_id is no id of a row of manifest') as unknown,
      })
    expect(await here.import(about('42'), { as: 'listed', dryRun: true })).toMatchObject({ dryRun: true })
  })

  test.each(['admin', 'Copy', 'a_b', randomUUID()])('not under %s', async (as) => {
    const archive = await here.export()
    await expect(here.import(archive.bytes, { as })).rejects.toMatchObject({ code: 'validation_failed' })
  })

  test('a dry run says the same and leaves nothing', async () => {
    const archive = await here.export()
    const tried = await here.import(archive.bytes, { as: 'tried', dryRun: true })
    expect(tried).toMatchObject({ dryRun: true, tenant: { slug: 'tried' }, rows: archive.report.rows })
    expect(await here.database.findTenant('tried')).toBeUndefined()
    expect(await rowsOf(here, tried.tenant.id)).toEqual([{ crates: '0', members: '0', tenants: '0' }])
  })

  test('of a tenant that was to be deleted is closed, and stays', async () => {
    await here.stored(
      `update plinth.tenants set status = 'pending_deletion', delete_after = '2020-01-01Z' where slug = 'copy'`,
    )
    const archive = await here.export({ tenant: 'copy' })
    const report = await here.import(archive.bytes, { as: 'kept' })
    expect(report.notes.join('\n')).toContain('about to be deleted')
    const [row] = await here.stored(`select status, delete_after from plinth.tenants where slug = 'kept'`)
    expect(row).toEqual({ status: 'closed', delete_after: null })
  })

  test('of a hundred at once under one slug one is there, whole', async () => {
    const archive = await here.export()
    const done = await Promise.allSettled(
      Array.from({ length: 100 }, () => here.import(archive.bytes, { as: 'contested' })),
    )
    const made = done.filter((one) => one.status === 'fulfilled')
    expect(made).toHaveLength(1)
    for (const one of done) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'already_exists' })
    const { tables } = new Forged(await here.export({ tenant: 'contested' }))
    expect(tables).toEqual(new Forged(archive).tables)
  }, 120_000)
})

describe('secrets', () => {
  const passphrase = 'nine grey herons at dusk'
  const canary = 'canary-hook-value'
  beforeAll(async () => {
    await here.request(here.a.actors.full, 'PATCH', '/api/v1/settings', { hook: canary })
    await here.stored(`update documents set passphrase = 'canary-pass' where tenant_id = $1::uuid`, [here.a.id])
  })

  test('are not in an archive without a passphrase, and that is told', async () => {
    const archive = await here.export()
    expect(archive.report.left).toEqual([
      '1 sealed row of plinth.settings',
      'the secret column documents.passphrase',
      'the secret column vaults.pin',
    ])
    expect(archive.lines.join('\n')).not.toMatch(/canary|s1\.here\./)
    const report = await there.import(archive.bytes, { as: 'without' })
    expect(report.notes.join('\n')).toContain('not in the archive: 1 sealed row of plinth.settings')
    expect(await there.tenancy.settings.get('hook', { tenantId: report.tenant.id })).toBe('')
    await expect(there.import(archive.bytes, { as: 'no', passphrase })).rejects.toMatchObject({
      code: 'archive_invalid',
    })
  })

  test('travel under one, and are sealed anew by the keys of the other platform', async () => {
    const archive = await here.export({ passphrase })
    expect(archive.report.left).toEqual([])
    expect(archive.lines.join('\n')).not.toMatch(/canary|s1\.here\./)
    const { tenant } = await there.import(archive.bytes, { as: 'with', passphrase })
    expect(await there.tenancy.settings.get('hook', { tenantId: tenant.id })).toBe(canary)
    const kept = await there.stored(`select distinct passphrase from documents where tenant_id = $1::uuid`, [tenant.id])
    expect(kept).toEqual([{ passphrase: 'canary-pass' }])
    const [sealed] = await there.stored(
      `select sealed from plinth.settings where tenant_id = $1::uuid and sealed is not null`,
      [tenant.id],
    )
    expect(String(sealed!['sealed'])).toMatch(/^s1\.there\./)
    // Apart from what is sealed and the line that says when, nothing is another.
    const varies = JSON.parse(archive.lines[0]!) as { varies: string[] }
    expect(varies.varies).toEqual([
      'exported',
      'plinth.users.email_verified_at',
      'documents.passphrase',
      'plinth.settings.sealed',
      'plinth.webhook_secrets.secret',
      'vaults.pin',
    ])
  })

  test('open by no other passphrase, and left out without it', async () => {
    const archive = await here.export({ passphrase })
    await expect(
      there.import(archive.bytes, { as: 'no', passphrase: 'ten grey herons at dusk' }),
    ).rejects.toMatchObject({
      code: 'archive_invalid',
      detail: 'The archive does not open with this passphrase.',
    })
    const report = await there.import(archive.bytes, { as: 'closed' })
    expect(report.notes.join('\n')).toMatch(/left out without the passphrase: 1 secret value of plinth\.settings/)
    expect(report.notes.join('\n')).toMatch(
      /left out without the passphrase: \d+ secret values of documents\.passphrase/,
    )
    await expect(here.export({ passphrase: 'short' })).rejects.toMatchObject({ code: 'validation_failed' })
  })

  test('do not open in another row', async () => {
    const archive = new Forged(await here.export({ passphrase }))
    const { columns, rows } = archive.of('documents')
    const at = columns.findIndex(([name]) => name === 'passphrase')
    ;[rows[0]![at], rows[1]![at]] = [rows[1]![at]!, rows[0]![at]!]
    await expect(there.import(archive.packed(), { as: 'no', passphrase })).rejects.toMatchObject({
      code: 'archive_invalid',
      detail: expect.stringContaining('another place') as unknown,
    })
  })
})

test('what is written during the export is not in it, in no table', async () => {
  // Of no use to a compressor: the first bytes come out long before the last table is read.
  for (let at = 0; at < 40; at += 1)
    await here.stored(
      `insert into crates (tenant_id, id, title, label, pieces, trail) select $1::uuid, gen_random_uuid(), 'bulk', 'bulk-' || gen_random_uuid()::text, 1, to_json($2::text)`,
      [here.a.id, randomBytes(24_000).toString('base64')],
    )
  const before = await here.export()
  const chunks: Buffer[] = []
  let wrote = false
  const slow = new Writable({
    highWaterMark: 1,
    async write(chunk: Buffer, _, done) {
      chunks.push(chunk)
      if (!wrote) {
        wrote = true
        await here.stored(`update crates set title = 'changed' where tenant_id = $1::uuid`, [here.a.id])
        await here.stored(`update documents set title = 'changed' where tenant_id = $1::uuid`, [here.a.id])
        await here.stored(`delete from stowages where tenant_id = $1::uuid`, [here.a.id])
        await here.stored(`insert into vaults (tenant_id, id, name) values ($1::uuid, gen_random_uuid(), 'new')`, [
          here.a.id,
        ])
      }
      done()
    },
  })
  await here.tenancy.archive.export(here.a.slug, slow)
  const during = gunzipSync(Buffer.concat(chunks)).toString('utf8').split('\n')
  expect(wrote).toBe(true)
  expect(during.filter((_, at) => at !== 1).join('\n')).toBe(contentOf(before))
  expect(contentOf(await here.export())).not.toBe(contentOf(before))
}, 60_000)

test('an import whose connection is cut off in the middle leaves nothing', async () => {
  const archive = await here.export()
  let cuts = 0
  const cutOff = there.import(archive.bytes, {
    as: 'cut-off',
    onProgress({ table, done }) {
      if (table !== 'crates' || !done) return
      cuts += 1
      void there.stored(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'plinth system'`,
      )
    },
  })
  await expect(cutOff).rejects.toMatchObject({ code: 'unavailable' })
  expect(cuts).toBeGreaterThan(0)
  expect(await there.stored(`select 1 from plinth.tenants where slug = 'cut-off'`)).toEqual([])
  expect((await there.import(archive.bytes, { as: 'cut-off' })).rows).toBe(archive.report.rows)
}, 60_000)

test('a source that fails in the middle, and one that cannot be opened', async () => {
  const { bytes } = await here.export()
  let opened = 0
  const failing = (): Readable => {
    opened += 1
    // Whole when it is checked, and cut off when it is written.
    return Readable.from([opened === 1 ? bytes : bytes.subarray(0, bytes.length - 2_000)])
  }
  await expect(there.tenancy.archive.import(failing, { as: 'failing' })).rejects.toMatchObject({
    code: 'archive_invalid',
  })
  expect(await there.database.findTenant('failing')).toBeUndefined()
  const gone = (): Readable =>
    new Readable({
      read: function read(this: Readable) {
        this.destroy(new Error('gone'))
      } as () => void,
    })
  await expect(there.tenancy.archive.import(gone)).rejects.toThrow('gone')
})

test('an export that fails before its first line closes what it should have written into', async () => {
  for (const [tenant, options] of [
    ['nobody', {}],
    [here.a.slug, { passphrase: 'short' }],
  ] as const) {
    const destination = new Writable({ write: (_chunk, _encoding, done) => done() })
    await expect(here.tenancy.archive.export(tenant, destination, options)).rejects.toMatchObject({
      name: 'PlinthError',
    })
    expect(destination.destroyed).toBe(true)
  }
})
