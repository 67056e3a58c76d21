import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { pgSchema, text } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import {
  always,
  compareFact,
  contains,
  databaseDefault,
  defineEvent,
  fieldOf,
  never,
  PlinthError,
  type ResourceInfo,
  type Scope,
  type Stored,
} from '@plinth/core'
import {
  attach,
  everything,
  history,
  listening,
  notes,
  openPGlite,
  openServer,
  projects,
  recording,
  recordingAll,
  samples,
  scopeOf,
  sites,
  type Attached,
  type Opened,
} from '../../tests/fixture.ts'

/** One suite for what the port promises, on both engines, with shared tables and with a schema for each tenant. */
const subjects = [
  { name: 'PostgreSQL', racers: 100, open: () => openServer(inject('postgresUrl')) },
  { name: 'PGlite', racers: 100, open: () => openPGlite() },
  {
    name: 'PostgreSQL, a schema for each tenant',
    racers: 100,
    open: () => openServer(inject('postgresUrl'), '', 'schema'),
  },
  { name: 'PGlite, a schema for each tenant', racers: 100, open: () => openPGlite('schema') },
]

const tenantA = '0190a000-0000-7000-8000-00000000000a'
const tenantB = '0190a000-0000-7000-8000-00000000000b'
let last = 0
const newId = (): string => `0190b000-0000-7000-8000-${String((last += 1)).padStart(12, '0')}`

function values(
  resource: ResourceInfo,
  given: Readonly<Record<string, Stored>>,
): Map<ReturnType<typeof fieldOf>, Stored> {
  return new Map(Object.entries(given).map(([key, value]) => [fieldOf(resource, key), value]))
}

async function failure(work: Promise<unknown>): Promise<PlinthError> {
  try {
    await work
  } catch (error) {
    if (PlinthError.is(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe.each(subjects)('$name', ({ open, racers }) => {
  let opened: Opened
  let plain: Attached
  let project: ResourceInfo
  let site: ResourceInfo
  let note: ResourceInfo
  const a = scopeOf(tenantA)
  const b = scopeOf(tenantB)

  beforeAll(async () => {
    opened = await open()
    for (const tenantId of [tenantA, tenantB]) await opened.makeTables(tenantId)
    plain = attach(opened.drivers)
    ;[project, site, note] = [projects, sites, notes].map((table) => plain.resource(table)) as [
      ResourceInfo,
      ResourceInfo,
      ResourceInfo,
    ]
  })
  afterAll(() => opened.close())

  const addSite = async (
    scope: Scope,
    name = 'one',
    ownerUserId: string | null = null,
    at = plain,
  ): Promise<string> => {
    const id = newId()
    await at.database.session(scope).create({ resource: site, id, ownerUserId, values: values(site, { name }) })
    return id
  }

  test('a created row has what was given, its defaults, the time and the owner of the scope', async () => {
    const id = newId()
    const owner = newId()
    const row = await plain.database.session(a).create({
      resource: project,
      id,
      ownerUserId: owner,
      values: values(project, { name: `new ${id}`, contactEmail: null }),
    })
    expect(row).toMatchObject({
      tenantId: tenantA,
      id,
      ownerUserId: owner,
      ownerGroupId: null,
      version: 1,
      status: 'draft',
      contactEmail: null,
      siteId: null,
      createdAt: '2026-11-20 20:54:57.107+00',
      updatedAt: '2026-11-20 20:54:57.107+00',
      code: expect.stringMatching(/^code-\d+$/),
    })
    expect(await plain.database.session(a).read({ resource: project, id, visible: always })).toEqual(row)
  })

  test('a row of another tenant is not there, for every operation and in both scopes', async () => {
    const id = await addSite(b)
    const session = plain.database.session(a)
    const change = { resource: site, id, ...everything, event: 'updated' }
    expect(await session.read({ resource: site, id, visible: always })).toBeUndefined()
    expect(await session.probe(change)).toEqual({ outcome: 'missing' })
    expect(await session.update({ ...change, values: values(site, { name: 'stolen' }) })).toEqual({
      outcome: 'missing',
    })
    expect(await session.delete({ ...change, event: 'deleted' })).toEqual({ outcome: 'missing' })
    expect(
      await plain.database.transaction(a, (transaction) => transaction.lock({ resource: site, id, visible: always })),
    ).toBeUndefined()
    expect(await plain.database.session(b).read({ resource: site, id, visible: always })).toMatchObject({
      id,
      name: 'one',
      version: 1,
    })
  })

  test('an id that is no uuid is missing, not an error', async () => {
    for (const id of ['', 'new', "' or true --", 'x'.repeat(10_000), '0190a000-0000-7000-8000-00000000000']) {
      expect(await plain.database.session(a).read({ resource: site, id, visible: always })).toBeUndefined()
      expect(await plain.database.session(a).delete({ resource: site, id, ...everything, event: 'deleted' })).toEqual({
        outcome: 'missing',
      })
    }
  })

  test('the outcomes of a change are told apart: missing, denied, stale, done; a probe answers the same and writes nothing', async () => {
    const owner = newId()
    const other = scopeOf(tenantA, { facts: { principalId: 'bob', userId: newId(), groupIds: [] } })
    const id = await addSite(a, 'mine', owner)
    const own = compareFact('ownerUserId', 'eq', 'userId')
    const session = plain.database.session(other)
    const change = {
      resource: site,
      id,
      visible: always,
      allowed: always,
      ifVersion: undefined,
      event: 'updated',
      values: values(site, { name: 'changed' }),
    }
    for (const [given, outcome] of [
      [{ visible: never }, 'missing'],
      [{ visible: own }, 'missing'],
      [{ allowed: own }, 'denied'],
      [{ allowed: own, ifVersion: 7 }, 'denied'],
      [{ allowed: never }, 'denied'],
      [{ ifVersion: 7 }, 'stale'],
      [{ ifVersion: 2 ** 40 }, 'stale'],
      [{ ifVersion: Number.NaN }, 'stale'],
    ] as const) {
      expect(await session.probe({ ...change, ...given }), `probe ${JSON.stringify(given)}`).toEqual({ outcome })
      expect(await session.update({ ...change, ...given }), `update ${JSON.stringify(given)}`).toEqual({ outcome })
      expect(
        await session.delete({ ...change, ...given, event: 'deleted' }),
        `delete ${JSON.stringify(given)}`,
      ).toEqual({ outcome })
    }
    expect(await session.probe({ ...change, ifVersion: 1 })).toMatchObject({
      outcome: 'done',
      row: { id, name: 'mine', version: 1 },
    })
    expect(await session.update({ ...change, ifVersion: 1 })).toMatchObject({
      outcome: 'done',
      row: { id, name: 'changed', version: 2 },
    })
    expect(await session.delete({ ...change, ifVersion: 1, event: 'deleted' })).toEqual({ outcome: 'stale' })
    expect(await session.delete({ ...change, ifVersion: 2, event: 'deleted' })).toMatchObject({
      outcome: 'done',
      row: { id, name: 'changed' },
    })
    expect(await session.read({ resource: site, id, visible: always })).toBeUndefined()
  })

  test('an update sets the given columns alone, the time of the scope, and what $onUpdate makes; default puts the default back', async () => {
    const id = newId()
    const session = plain.database.session(a)
    await session.create({
      resource: project,
      id,
      ownerUserId: null,
      values: values(project, { name: `p ${id}`, status: 'live', contactEmail: 'a@b.c' }),
    })
    const later = scopeOf(tenantA, { now: new Date('2026-12-01T00:00:00.001Z') })
    const result = await plain.database.session(later).update({
      resource: project,
      id,
      ...everything,
      event: 'updated',
      values: new Map([[fieldOf(project, 'status'), databaseDefault]]),
    })
    expect(result).toMatchObject({
      outcome: 'done',
      row: {
        status: 'draft',
        contactEmail: 'a@b.c',
        touched: 'by update',
        version: 2,
        createdAt: '2026-11-20 20:54:57.107+00',
        updatedAt: '2026-12-01 00:00:00.001+00',
      },
    })
  })

  test(`${racers} changes at once that saw the same version: one wins, the others are stale`, async () => {
    const id = await addSite(a, 'raced')
    const session = plain.database.session(a)
    const results = await Promise.all(
      Array.from({ length: racers }, (_, number) =>
        session.update({
          resource: site,
          id,
          visible: always,
          allowed: always,
          ifVersion: 1,
          event: 'updated',
          values: values(site, { name: `by ${number}` }),
        }),
      ),
    )
    const winners = results.filter((result) => result.outcome === 'done')
    expect(winners).toHaveLength(1)
    expect(results.filter((result) => result.outcome === 'stale')).toHaveLength(racers - 1)
    expect(await session.read({ resource: site, id, visible: always })).toEqual(
      winners[0]?.outcome === 'done' ? winners[0].row : undefined,
    )
  })

  test(`${racers} changes at once without a version: none is lost`, async () => {
    const id = await addSite(a, 'counted')
    const session = plain.database.session(a)
    const results = await Promise.all(
      Array.from({ length: racers }, (_, number) =>
        session.update({
          resource: site,
          id,
          ...everything,
          event: 'updated',
          values: values(site, { name: `by ${number}` }),
        }),
      ),
    )
    const versions = results.map((result) => (result.outcome === 'done' ? Number(result.row['version']) : 0))
    expect(versions.sort((left, right) => left - right)).toEqual(
      Array.from({ length: racers }, (_, number) => number + 2),
    )
  })

  test('deletes and changes at once: the row is deleted once and nobody sees half of it', async () => {
    const id = await addSite(a, 'going')
    const session = plain.database.session(a)
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, number) =>
        number % 3 === 0
          ? session.delete({ resource: site, id, ...everything, event: 'deleted' })
          : session.update({
              resource: site,
              id,
              ...everything,
              event: 'updated',
              values: values(site, { name: `by ${number}` }),
            }),
      ),
    )
    expect(results.filter((result, number) => number % 3 === 0 && result.outcome === 'done')).toHaveLength(1)
    expect(results.every((result) => result.outcome === 'done' || result.outcome === 'missing')).toBe(true)
  })

  test('without a tenant a session throws before any SQL, and no statement gets anywhere', async () => {
    for (const tenantId of ['', 'x', undefined as unknown as string, null as unknown as string, "' or true"]) {
      const scope = scopeOf(tenantId)
      expect(() => plain.database.session(scope)).toThrow('tenant')
      await expect(plain.database.transaction(scope, () => Promise.resolve())).rejects.toThrow('tenant')
      await expect(plain.database.systemTransaction(scope, () => Promise.resolve())).rejects.toThrow('tenant')
    }
  })

  test('below the session too: without the setting the runtime login sees no row and writes none', async () => {
    await addSite(a, 'hidden')
    const { app } = opened.drivers
    const table = opened.table('sites', tenantA)
    expect(await app.query(`select id from ${table}`)).toEqual([])
    expect(await app.query(`update ${table} set name = 'x' returning id`)).toEqual([])
    await expect(
      app.query(`insert into ${table} (tenant_id, id, name) values ($1::uuid, $2::uuid, 'x')`, [tenantA, newId()]),
    ).rejects.toMatchObject({ code: '42501' })
    // The setting of the statement before is gone with its transaction.
    await plain.database.session(a).list({
      resource: site,
      where: always,
      sort: [{ field: fieldOf(site, 'id'), descending: false }],
      after: undefined,
      limit: 1,
      offset: 0,
      fields: site.fields,
    })
    expect(await app.query(`select id from ${table}`)).toEqual([])
  })

  test('the database refuses a reference into another tenant, and names the field', async () => {
    const foreign = await addSite(b)
    const own = await addSite(a)
    const session = plain.database.session(a)
    const id = newId()
    await session.create({
      resource: project,
      id,
      ownerUserId: null,
      values: values(project, { name: `ok ${id}`, siteId: own }),
    })
    const refused = await failure(
      session.create({
        resource: project,
        id: newId(),
        ownerUserId: null,
        values: values(project, { name: `no ${id}`, siteId: foreign }),
      }),
    )
    expect(refused).toMatchObject({
      code: 'validation_failed',
      status: 400,
      errors: [{ path: '/siteId', code: 'reference_not_found' }],
    })
    const moved = await failure(
      session.update({
        resource: project,
        id,
        ...everything,
        event: 'updated',
        values: values(project, { siteId: foreign }),
      }),
    )
    expect(moved).toMatchObject({
      code: 'validation_failed',
      errors: [{ path: '/siteId', code: 'reference_not_found' }],
    })
    const kept = await failure(session.delete({ resource: site, id: own, ...everything, event: 'deleted' }))
    expect(kept).toMatchObject({ code: 'still_referenced', status: 409 })
  })

  test('a taken unique value is 409 with the field and without a word of the other row', async () => {
    const session = plain.database.session(a)
    const name = `taken ${newId()}`
    const create = (scope: Scope): Promise<unknown> =>
      plain.database
        .session(scope)
        .create({ resource: project, id: newId(), ownerUserId: null, values: values(project, { name }) })
    await create(a)
    const taken = await failure(create(a))
    expect(taken).toMatchObject({ code: 'already_exists', status: 409, errors: [{ path: '/name', code: 'taken' }] })
    expect(JSON.stringify([taken, taken.message])).not.toContain(name)
    // Another tenant's unique values are its own.
    await create(b)
    const id = newId()
    await session.create({ resource: project, id, ownerUserId: null, values: values(project, { name: `free ${id}` }) })
    const again = await failure(
      session.create({
        resource: project,
        id,
        ownerUserId: null,
        values: values(project, { name: `free again ${id}` }),
      }),
    )
    expect(again).toMatchObject({ code: 'already_exists', errors: [{ path: '/id', code: 'taken' }] })
  })

  test('what the database refuses is 400: null, a check, a length, a number, a time, characters', async () => {
    const session = plain.database.session(a)
    const sample = plain.resource(samples)
    const attempt = (resource: ResourceInfo, given: Readonly<Record<string, Stored>>): Promise<PlinthError> =>
      failure(session.create({ resource, id: newId(), ownerUserId: null, values: values(resource, given) }))
    expect(await attempt(project, { name: null })).toMatchObject({
      status: 400,
      errors: [{ path: '/name', code: 'not_nullable' }],
    })
    expect(await attempt(project, { name: `c ${newId()}`, status: 'gone' })).toMatchObject({
      status: 400,
      errors: [{ code: 'check_failed' }],
    })
    for (const [key, value, code] of [
      ['caption', 'x'.repeat(41), 'too_long'],
      ['fixed', 'x'.repeat(7), 'too_long'],
      ['small', '32768', 'out_of_range'],
      ['whole', 'many', 'invalid_value'],
      ['at', 'soon', 'invalid_time'],
      ['day', '2026-02-31', 'out_of_range'],
      ['mood', 'calm', 'invalid_value'],
      ['data', '{', 'invalid_value'],
    ] as const) {
      expect(await attempt(sample, { [key]: value }), `${key}`).toMatchObject({
        code: 'validation_failed',
        status: 400,
        errors: [{ code }],
      })
    }
    expect(await attempt(sample, { label: 'a\u0000b' })).toMatchObject({ status: 400 })
  })

  test('every kind of column comes back as it went in, times to the microsecond, json not encoded twice', async () => {
    const sample = plain.resource(samples)
    const id = newId()
    const given = {
      label: 'O\'Hara \\ 😀 "quoted" $1',
      caption: 'c',
      fixed: 'ab',
      mood: 'glad',
      other: newId(),
      small: '-32768',
      whole: '2147483647',
      big: '9007199254740991',
      huge: '9223372036854775807',
      thin: '0.1',
      wide: '0.30000000000000004',
      amount: '123456789.125',
      flag: 'true',
      at: '2026-11-20T20:54:57.107123+02:00',
      plain: '2026-11-20T20:54:57.107123+02:00',
      day: '2026-02-28',
      hour: '12:30:00.5',
      data: '{"a": [1, "x", null]}',
    }
    const row = await plain.database
      .session(a)
      .create({ resource: sample, id, ownerUserId: null, values: values(sample, given) })
    expect(row).toMatchObject({
      ...given,
      small: -32768,
      whole: 2147483647,
      thin: 0.1,
      wide: 0.30000000000000004,
      flag: true,
      at: '2026-11-20 18:54:57.107123+00',
      plain: '2026-11-20 18:54:57.107123',
      rank: 0,
    })
  })

  test('a soft-deleted row is gone for everybody and its unique value free, but it is there', async () => {
    const session = plain.database.session(a)
    const slug = `slug ${newId()}`
    const id = newId()
    const draft = values(note, { body: 'text', slug })
    await session.create({ resource: note, id, ownerUserId: null, values: draft })
    const later = scopeOf(tenantA, { now: new Date('2026-12-02T00:00:00.000Z') })
    expect(
      await plain.database.session(later).delete({ resource: note, id, ...everything, event: 'deleted' }),
    ).toMatchObject({
      outcome: 'done',
      row: { id, version: 2, deletedAt: '2026-12-02 00:00:00+00', updatedAt: '2026-12-02 00:00:00+00' },
    })
    expect(await session.read({ resource: note, id, visible: always })).toBeUndefined()
    expect(await session.delete({ resource: note, id, ...everything, event: 'deleted' })).toEqual({
      outcome: 'missing',
    })
    expect(
      await session.update({
        resource: note,
        id,
        ...everything,
        event: 'updated',
        values: values(note, { body: 'x' }),
      }),
    ).toEqual({ outcome: 'missing' })
    expect(await session.probe({ resource: note, id, ...everything, event: 'updated' })).toEqual({ outcome: 'missing' })
    const list = await session.list({
      resource: note,
      where: contains('slug', slug),
      sort: [{ field: fieldOf(note, 'id'), descending: false }],
      after: undefined,
      limit: 5,
      offset: 0,
      fields: note.fields,
    })
    expect(list).toEqual([])
    expect(await session.count({ resource: note, where: contains('slug', slug) })).toBe(0)
    await session.create({ resource: note, id: newId(), ownerUserId: null, values: draft })
    const stored = `select version from ${opened.table('notes', tenantA)} where id = $1::uuid`
    expect(await opened.owner.query(stored, [id])).toEqual([{ version: 2 }])
  })

  describe('what is recorded', () => {
    const actor = { kind: 'apiKey', id: 'key-7' } as const
    const records = async (rowId: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
      (
        await opened.owner.query(
          'select version, who, event, request_id, at, before, after from plinth.fixture_history where row_id = $1::uuid order by version nulls last, event',
          [rowId],
        )
      ).map((row) => ({ ...row, before: JSON.parse(String(row['before'])), after: JSON.parse(String(row['after'])) }))

    test('is written in the statement of the change: who, when, before and after, without secrets, personal data masked', async () => {
      const { database, resource } = attach(opened.drivers, [recording()])
      const project = resource(projects)
      const session = database.session(scopeOf(tenantA, { actor }))
      const id = newId()
      const name = `recorded ${id}`
      await session.create({
        resource: project,
        id,
        ownerUserId: null,
        values: values(project, { name, contactEmail: 'ann@example.com', token: 'hush', internal: 'x', code: 'c1' }),
      })
      await session.update({
        resource: project,
        id,
        ...everything,
        event: 'archive',
        values: values(project, { status: 'live' }),
      })
      await session.delete({ resource: project, id, ...everything, event: 'deleted' })
      const before = {
        id,
        ownerUserId: null,
        ownerGroupId: null,
        createdAt: '2026-11-20T20:54:57.107+00:00',
        updatedAt: '2026-11-20T20:54:57.107+00:00',
        version: 1,
        name,
        status: 'draft',
        contactEmail: '[masked]',
        siteId: null,
        code: 'c1',
        touched: null,
      }
      const after = { ...before, version: 2, status: 'live', touched: 'by update' }
      const common = { who: 'key-7', request_id: 'request-1', at: '2026-11-20 20:54:57.107+00' }
      expect(await records(id)).toEqual([
        { ...common, version: 1, event: 'created', before: null, after: before },
        { ...common, version: 2, event: 'archive', before, after },
        { ...common, version: 2, event: 'deleted', before: after, after: null },
      ])
    })

    test('nothing for a change that did not happen', async () => {
      const { database, resource } = attach(opened.drivers, [recording(), listening('*')])
      const site = resource(sites)
      const id = await addSite(a)
      const session = database.session(a)
      const change = {
        resource: site,
        id,
        visible: always,
        allowed: never,
        ifVersion: undefined,
        event: 'updated',
        values: values(site, { name: 'x' }),
      }
      expect(await session.update(change)).toEqual({ outcome: 'denied' })
      expect(await session.update({ ...change, allowed: always, ifVersion: 9 })).toEqual({ outcome: 'stale' })
      expect(await session.delete({ ...change, id: newId() })).toEqual({ outcome: 'missing' })
      expect(await records(id)).toEqual([])
      expect(await opened.owner.query('select 1 from plinth.events where key = $1::text', [`site:${id}`])).toEqual([])
    })

    test.each([
      ['a broken rule', 'refused'],
      ['an error of its trigger', 'raise'],
    ])('when it fails by %s the write is rolled back, 503', async (_, noteText) => {
      const { database, resource } = attach(opened.drivers, [recording(noteText)])
      const site = resource(sites)
      const session = database.session(a)
      const id = newId()
      const failed = await failure(
        session.create({ resource: site, id, ownerUserId: null, values: values(site, { name: 'unrecorded' }) }),
      )
      expect(failed).toMatchObject({ code: 'record_failed', status: 503 })
      expect(failed.cause).toBeDefined()
      expect(await session.read({ resource: site, id, visible: always })).toBeUndefined()
      const kept = await addSite(a, 'before')
      expect(
        await failure(
          session.update({
            resource: site,
            id: kept,
            ...everything,
            event: 'updated',
            values: values(site, { name: 'after' }),
          }),
        ),
      ).toMatchObject({ code: 'record_failed' })
      expect(
        await failure(session.delete({ resource: site, id: kept, ...everything, event: 'deleted' })),
      ).toMatchObject({ code: 'record_failed' })
      expect(await session.read({ resource: site, id: kept, visible: always })).toMatchObject({
        name: 'before',
        version: 1,
      })
    })

    test('while a fault of the row itself stays the fault of the caller', async () => {
      const { database, resource } = attach(opened.drivers, [recording()])
      const project = resource(projects)
      const failed = await failure(
        database
          .session(a)
          .create({ resource: project, id: newId(), ownerUserId: null, values: values(project, { name: null }) }),
      )
      expect(failed).toMatchObject({ code: 'validation_failed', errors: [{ path: '/name', code: 'not_nullable' }] })
    })

    test('a table that is not there, or that may not be written, is 503 and not 500', async () => {
      const nowhere = pgSchema('plinth').table('nowhere', { note: text('note') })
      const missing = { name: 'missing', record: () => [{ table: nowhere, values: { note: 'x' } }] }
      const { database, resource } = attach(opened.drivers, [missing])
      expect(
        await failure(
          database
            .session(a)
            .create({ resource: resource(sites), id: newId(), ownerUserId: null, values: values(site, { name: 'x' }) }),
        ),
      ).toMatchObject({ status: 503 })
      await opened.owner.script('revoke insert on plinth.fixture_history from plinth_app')
      try {
        const refused = attach(opened.drivers, [recording()])
        expect(
          await failure(
            refused.database.session(a).create({
              resource: refused.resource(sites),
              id: newId(),
              ownerUserId: null,
              values: values(site, { name: 'x' }),
            }),
          ),
        ).toMatchObject({ code: 'record_failed' })
      } finally {
        await opened.owner.script('grant insert on plinth.fixture_history to plinth_app')
      }
    })

    test('a column that the table has not is a fault at start, with its columns', () => {
      const wrong = { name: 'wrong', record: () => [{ table: history, values: { nmae: 'x' } }] }
      expect(() => attach(opened.drivers, [wrong])).toThrow(/no column nmae[\s\S]*tenantId, id, rowId/)
    })
  })

  describe('events', () => {
    const events = (key: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
      opened.owner.query(
        'select tenant_id, type, key, data, actor_kind, actor_id, request_id, occurred_at, delivered_at from plinth.events where key = $1::text order by seq',
        [key],
      )

    test('are written for what somebody listens to, with the row as it is then', async () => {
      const { database, resource } = attach(opened.drivers, [
        listening('project.archive'),
        { ...listening('project.deleted'), name: 'another' },
      ])
      const project = resource(projects)
      const session = database.session(a)
      const id = newId()
      await session.create({
        resource: project,
        id,
        ownerUserId: null,
        values: values(project, { name: `e ${id}`, contactEmail: 'x@y.z', token: 't' }),
      })
      await session.update({
        resource: project,
        id,
        ...everything,
        event: 'archive',
        values: values(project, { status: 'live' }),
      })
      await session.update({
        resource: project,
        id,
        ...everything,
        event: 'updated',
        values: values(project, { status: 'draft' }),
      })
      await session.delete({ resource: project, id, ...everything, event: 'deleted' })
      const found = await events(`project:${id}`)
      expect(found.map((event) => event['type'])).toEqual(['project.archive', 'project.deleted'])
      expect(found[0]).toMatchObject({
        tenant_id: tenantA,
        actor_kind: 'user',
        actor_id: 'ann',
        request_id: 'request-1',
        occurred_at: '2026-11-20 20:54:57.107+00',
        delivered_at: null,
      })
      expect(JSON.parse(String(found[0]?.['data']))).toMatchObject({
        id,
        status: 'live',
        version: 2,
        contactEmail: '[masked]',
      })
      expect(String(found[0]?.['data'])).not.toContain('token')
    })

    test('an action emits its own, in its transaction or not at all', async () => {
      const quiet = defineEvent('site.ignored', { schema: z.object({ by: z.string() }) })
      const { database } = attach(opened.drivers, [listening('site.visited'), { name: 'quiet', events: [quiet] }])
      const key = `site:${newId()}`
      await database.transaction(a, async (transaction) => {
        await transaction.emit({ type: 'site.visited', key, data: { by: 'ann', deep: [1, null] } })
        await transaction.emit({ type: 'site.ignored', key, data: { by: 'ann' } })
      })
      // Nobody listens to the second: it is judged all the same.
      for (const [type, data, message] of [
        ['site.ignored', { by: 1 }, /data of site\.ignored .* \/by: /],
        ['site.vsited', {}, /'site\.vsited' is no event .* nearest: site\.visited/],
      ] as const)
        await expect(
          database.transaction(a, async (transaction) => {
            await transaction.emit({ type: 'site.visited', key, data: 'rolled back' })
            await transaction.emit({ type, key, data })
          }),
        ).rejects.toThrow(message)
      await expect(
        database.transaction(a, async (transaction) => {
          await transaction.emit({ type: 'site.visited', key, data: {} })
          throw new Error('changed my mind')
        }),
      ).rejects.toThrow('changed my mind')
      const found = await events(key)
      expect(found).toHaveLength(1)
      expect(JSON.parse(String(found[0]?.['data']))).toEqual({ by: 'ann', deep: [1, null] })
    })

    test('says what changed to those who record it, and to nobody who hears of it', async () => {
      const { database } = attach(opened.drivers, [listening('site.visited'), recordingAll()])
      const key = newId()
      await database.transaction(a, async (transaction) => {
        const changes = { before: { by: 'bob' }, after: { by: 'ann' }, masked: ['secret'] }
        await transaction.emit({ type: 'site.visited', key, data: { id: key }, changes })
        await transaction.emit({ type: 'site.visited', key, data: {} })
      })
      const kept = await opened.owner.query(
        'select before, after from plinth.fixture_history where row_id::text = $1::text order by before is null',
        [key],
      )
      expect(kept.map((row) => [row['before'], row['after']].map((json) => JSON.parse(String(json))))).toEqual([
        [{ by: 'bob' }, { id: key }],
        [null, {}],
      ])
      expect((await events(key)).map((event) => String(event['data'])).join()).not.toContain('bob')
    })
  })

  describe('a transaction', () => {
    test('is all or nothing', async () => {
      const first = newId()
      await expect(
        plain.database.transaction(a, async (transaction) => {
          await transaction.create({
            resource: site,
            id: first,
            ownerUserId: null,
            values: values(site, { name: 'x' }),
          })
          await transaction.create({
            resource: project,
            id: newId(),
            ownerUserId: null,
            values: values(project, { name: null }),
          })
        }),
      ).rejects.toMatchObject({ code: 'validation_failed' })
      expect(await plain.database.session(a).read({ resource: site, id: first, visible: always })).toBeUndefined()
    })

    test('whose statement failed cannot be reported as done, although the work swallowed the error', async () => {
      const id = newId()
      const swallowed = plain.database.transaction(a, async (transaction) => {
        await transaction.create({ resource: site, id, ownerUserId: null, values: values(site, { name: 'x' }) })
        await transaction
          .create({ resource: project, id: newId(), ownerUserId: null, values: values(project, { name: null }) })
          .catch(() => undefined)
        return 'done'
      })
      await expect(swallowed).rejects.toBeDefined()
      expect(await plain.database.session(a).read({ resource: site, id, visible: always })).toBeUndefined()
    })

    test('passes an error of the work on as it is, once, also one that looks like trouble with the database', async () => {
      let runs = 0
      const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:25'), {
        code: 'ECONNREFUSED',
        syscall: 'connect',
      })
      await expect(
        plain.database.transaction(a, () => {
          runs += 1
          return Promise.reject(new Error('the mail server is away', { cause: refused }))
        }),
      ).rejects.toThrow('the mail server is away')
      expect(runs).toBe(1)
    })

    test('sees its own writes, locks rows, and keeps the tenant of its scope', async () => {
      const id = await addSite(a, 'locked')
      const seen = await plain.database.transaction(a, async (transaction) => {
        const row = await transaction.lock({ resource: site, id, visible: always })
        await transaction.update({
          resource: site,
          id,
          ...everything,
          event: 'updated',
          values: values(site, { name: 'new' }),
        })
        return [row?.['name'], (await transaction.read({ resource: site, id, visible: always }))?.['name']]
      })
      expect(seen).toEqual(['locked', 'new'])
    })

    test('as system has the tenant set too', async () => {
      const foreign = await addSite(b)
      const own = await addSite(a)
      const seen = await plain.database.systemTransaction(a, (transaction) =>
        Promise.all([foreign, own].map((id) => transaction.read({ resource: site, id, visible: always }))),
      )
      expect(seen.map((row) => row?.['id'])).toEqual([undefined, own])
    })
  })

  describe('tenants', () => {
    test('are found by slug and id before a tenant is set, and nothing else is', async () => {
      const slug = `acme-${newId().slice(-12)}`
      const { tenant, founded } = await plain.database.foundTenant(
        { slug, name: 'Acme' },
        (made) => scopeOf(made.id),
        async (transaction, made) => {
          await transaction.create({
            resource: site,
            id: newId(),
            ownerUserId: null,
            values: values(site, { name: `of ${made.slug}` }),
          })
        },
      )
      expect(founded).toBe(true)
      expect(tenant).toMatchObject({ slug, name: 'Acme', status: 'active' })
      expect(await plain.database.findTenant(slug)).toEqual(tenant)
      expect(await plain.database.findTenant(tenant.id)).toEqual(tenant)
      for (const wanted of ['nobody-here', '', 'a\u0000b', "' or true", 'x'.repeat(100_000), newId()])
        expect(await plain.database.findTenant(wanted)).toBeUndefined()
      expect(await plain.database.session(scopeOf(tenant.id)).count({ resource: site, where: always })).toBe(1)
    })

    test('a taken slug resolves with the tenant that has it, and provisions nothing; 20 at once found one', async () => {
      const slug = `race-${newId().slice(-12)}`
      let provisioned = 0
      const results = await Promise.all(
        Array.from({ length: 20 }, () =>
          plain.database.foundTenant(
            { slug, name: 'Race' },
            (made) => scopeOf(made.id),
            () => {
              provisioned += 1
              return Promise.resolve()
            },
          ),
        ),
      )
      expect(results.filter((result) => result.founded)).toHaveLength(1)
      expect(new Set(results.map((result) => result.tenant.id)).size).toBe(1)
      expect(provisioned).toBe(1)
    })

    test('a provision that fails leaves no tenant', async () => {
      const slug = `failed-${newId().slice(-12)}`
      await expect(
        plain.database.foundTenant(
          { slug, name: 'F' },
          (made) => scopeOf(made.id),
          () => Promise.reject(new Error('no')),
        ),
      ).rejects.toThrow('no')
      expect(await plain.database.findTenant(slug)).toBeUndefined()
    })
  })

  test('ping resolves', () => expect(plain.database.ping()).resolves.toBeUndefined())
})
