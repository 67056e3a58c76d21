import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { always, fieldOf, PlinthError, type RawRow, type ResourceInfo, type Scope, type Stored } from '@plinth/core'
import {
  attach,
  listening,
  openServer,
  projects,
  recording,
  recordingAll,
  scopeOf,
  sites,
  type Opened,
} from '../../../tests/fixture.ts'
import type { Driver, Drivers } from '../../drivers/driver.ts'

const subjects = [
  { name: 'PostgreSQL', open: () => openServer(inject('postgresUrl')) },
  { name: 'PostgreSQL, a schema for each tenant', open: () => openServer(inject('postgresUrl'), '', 'schema') },
]

const tenantA = '0190a000-0000-7000-8000-00000000000a'
const tenantB = '0190a000-0000-7000-8000-00000000000b'
let last = 0
const newId = (): string => `0190c000-0000-7000-8000-${String((last += 1)).padStart(12, '0')}`
const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))

/** A create that was asked for, and what became of it. */
interface Asked {
  readonly id: string
  readonly scope: Scope
  readonly done: Promise<RawRow>
}

describe.each(subjects)('creates at the same time, on $name', ({ name, open }) => {
  let opened: Opened
  /** How many rows each statement made, and how many it was to make. */
  let statements: { readonly rows: number; made: number }[] = []
  let drivers: Drivers

  beforeAll(async () => {
    opened = await open()
    for (const tenantId of [tenantA, tenantB]) await opened.makeTables(tenantId)
    const app: Driver = {
      ...opened.drivers.app,
      query(text, parameters = [], options) {
        if (/insert into [^ ]+ as p /.test(text)) {
          const ids = parameters.slice(4).find((value) => typeof value === 'string' && value.startsWith('{"0190c000'))
          const rows = typeof ids === 'string' ? ids.split(',').length : 1
          const statement = { rows, made: 0 }
          statements.push(statement)
          return opened.drivers.app.query(text, parameters, options).then((answer) => {
            statement.made = answer.length
            return answer
          })
        }
        return opened.drivers.app.query(text, parameters, options)
      },
    }
    drivers = { ...opened.drivers, app }
  })
  beforeEach(() => void (statements = []))
  afterAll(() => opened.close())

  const declare = (features: Parameters<typeof attach>[1] = [], policyFacts = false) => {
    // Where tables lie, `attach` knows by the drivers as they were opened.
    const isolation = name.includes('schema') ? 'schema' : 'shared'
    const { database, resource } = attach(drivers, features, { isolation, policyFacts })
    const create = (
      info: ResourceInfo,
      given: Readonly<Record<string, Stored>>,
      scope: Scope = scopeOf(tenantA),
      ownerUserId: string | null = null,
    ): Asked => {
      const id = newId()
      const values = new Map(Object.entries(given).map(([key, value]) => [fieldOf(info, key), value]))
      return { id, scope, done: database.session(scope).create({ resource: info, id, ownerUserId, values }) }
    }
    return { database, create, site: resource(sites), project: resource(projects) }
  }

  const requestOf = (at: number, given: Partial<Scope> = {}, tenantId = tenantA): Scope =>
    scopeOf(tenantId, {
      requestId: `request-${at}`,
      now: new Date(Date.UTC(2026, 10, 20, 8, 0, 0, at)),
      traceparent: `00-${String(at).padStart(32, '0')}-00000000000000ff-01`,
      ...given,
    })

  test('are few statements; each has its own row, and is recorded with its own request, time and trace', async () => {
    const { create, site } = declare([recording(), listening('*')])
    const asked = times(100, (at) => create(site, { name: `"site", ${at} \\` }, requestOf(at)))
    const rows = await Promise.all(asked.map(({ done }) => done))
    expect(
      rows.map(({ id, name: given, createdAt }) => ({ id, given, at: new Date(`${String(createdAt)}:00`) })),
    ).toEqual(asked.map(({ id, scope }, at) => ({ id, given: `"site", ${at} \\`, at: scope.now })))
    // 16; on a machine that is busy, some were refused for a lock that took long.
    expect(statements.length).toBeLessThan(60)
    expect(statements.reduce((sum, statement) => sum + statement.rows, 0)).toBe(100)
    const ids = asked.map(({ id }) => id)
    const kept = await opened.owner.query(
      `select row_id::text as id, request_id, at::text as at, version::text as version, after->>'name' as name from plinth.fixture_history
        where row_id = any($1::text::uuid[]) order by row_id`,
      [`{${ids.join()}}`],
    )
    const told = await opened.owner.query(
      `select substr(key, 6) as id, request_id, occurred_at::text as at, traceparent, type, data->>'name' as name from plinth.events
        where key = any($1::text::text[]) order by key`,
      [`{${ids.map((id) => `site:${id}`).join()}}`],
    )
    const expected = asked.map(({ id, scope }, at) => ({
      id,
      request_id: scope.requestId,
      at: scope.now,
      name: `"site", ${at} \\`,
    }))
    const timed = ({ at, ...rest }: RawRow): unknown => ({ ...rest, at: new Date(`${String(at)}:00`) })
    expect(kept.map(timed)).toEqual(expected.map((one) => ({ ...one, version: '1' })))
    expect(told.map(timed)).toEqual(
      expected.map((one, at) => ({ ...one, type: 'site.created', traceparent: asked[at]!.scope.traceparent })),
    )
  })

  test.each([
    ['', false],
    [', with facts for policies', true],
  ])('each is stored as it was given, whoever else goes with it%s', async (_, policyFacts) => {
    const { create, project } = declare([recording()], policyFacts)
    const [anns, bens] = [newId(), newId()]
    const asked = times(120, (at) => {
      const own = at % 2 === 0 ? anns : bens
      const scope = requestOf(at, {
        facts: { principalId: 'ann', userId: own, groupIds: at % 4 < 2 ? [anns] : [] },
      })
      const given = { name: `${name} stored ${policyFacts} ${at}`, contactEmail: at % 3 === 0 ? null : `"${at}"@{,}\\` }
      return create(project, at % 8 < 4 ? given : { ...given, status: 'live' }, scope, own)
    })
    const rows = await Promise.all(asked.map(({ done }) => done))
    const shared = statements.filter((statement) => statement.rows > 1)
    expect(shared.map(({ made }) => made)).toEqual(shared.map(({ rows: wanted }) => wanted))
    expect(shared.reduce((sum, { made }) => sum + made, 0)).toBeGreaterThan(60)
    const stored = await opened.owner.query(
      `select id::text, name, contact_email, status, code, owner_user_id::text as owner, created_at::text as made, updated_at::text as changed, version::text
        from ${opened.table('projects', tenantA)} where id = any($1::text::uuid[]) order by id`,
      [`{${asked.map(({ id }) => id).join()}}`],
    )
    expect(stored).toEqual(
      rows.map((row, at) => ({
        id: asked[at]!.id,
        name: `${name} stored ${policyFacts} ${at}`,
        contact_email: at % 3 === 0 ? null : `"${at}"@{,}\\`,
        status: at % 8 < 4 ? 'draft' : 'live',
        code: row['code'],
        owner: at % 2 === 0 ? anns : bens,
        made: row['createdAt'],
        changed: row['createdAt'],
        version: '1',
      })),
    )
    expect(new Set(rows.map(({ code }) => code)).size).toBe(120)
    expect(rows.map(({ createdAt }) => new Date(`${String(createdAt)}:00`))).toEqual(
      asked.map(({ scope }) => scope.now),
    )
    // What a statement sets ends with it, on every connection.
    const limits = await Promise.all(times(20, () => opened.drivers.app.query('show lock_timeout')))
    expect(new Set(limits.map(([row]) => row?.['lock_timeout']))).toEqual(new Set(['0']))
  })

  test('one is refused for what is wrong with it alone, and the others are made once each', async () => {
    const { create, project } = declare([recording()])
    const asked = times(90, (at) =>
      create(project, {
        name: at % 9 === 4 && at % 15 !== 7 ? `${name} the same` : `${name} ${at}`,
        siteId: at % 15 === 7 ? newId() : null,
      }),
    )
    const outcomes = await Promise.allSettled(asked.map(({ done }) => done))
    const codes = outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? 'made' : PlinthError.is(outcome.reason) ? outcome.reason.code : 'unknown',
    )
    const refused = codes.flatMap((code, at) => (at % 15 === 7 ? [code] : []))
    const same = codes.flatMap((code, at) => (at % 9 === 4 && at % 15 !== 7 ? [code] : []))
    const fine = codes.flatMap((code, at) => (at % 9 === 4 || at % 15 === 7 ? [] : [code]))
    expect(new Set(refused)).toEqual(new Set(['validation_failed']))
    expect(same.toSorted()).toEqual([...times(same.length - 1, () => 'already_exists'), 'made'])
    expect(new Set(fine)).toEqual(new Set(['made']))
    const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [String(outcome.value['id'])] : []))
    const recorded = await opened.owner.query(
      `select row_id::text as id, count(*)::text as n from plinth.fixture_history where row_id = any($1::text::uuid[]) group by 1 order by 1`,
      [`{${asked.map(({ id }) => id).join()}}`],
    )
    expect(recorded).toEqual(made.toSorted().map((id) => ({ id, n: '1' })))
  })

  test('never go with those of another tenant or principal, and are recorded under who asked from where', async () => {
    const { create, site, database } = declare([recordingAll(), listening('*')])
    const asked = times(96, (at) => {
      const principal = at % 2 === 0 ? 'ann' : 'ben'
      const scope = requestOf(
        at,
        {
          actor: { kind: 'user', id: principal },
          facts: { principalId: principal, userId: null, groupIds: [] },
          ...(at % 16 < 8 && { onBehalfOf: 'support' }),
          client: { address: at % 32 < 16 ? '192.0.2.1' : '192.0.2.2', userAgent: 'tests' },
        },
        at % 4 < 2 ? tenantA : tenantB,
      )
      return create(site, { name: `row ${at}` }, scope)
    })
    await Promise.all(asked.map(({ done }) => done))
    expect(statements.reduce((sum, { rows }) => sum + rows, 0)).toBe(96)
    for (const { id, scope } of asked) {
      const session = database.session(scope)
      expect(await session.read({ resource: site, id, visible: always })).toMatchObject({ tenantId: scope.tenantId })
      const other = database.session(scopeOf(scope.tenantId === tenantA ? tenantB : tenantA))
      expect(await other.read({ resource: site, id, visible: always })).toBeUndefined()
    }
    const kept = await opened.owner.query(
      'select row_id::text as id, tenant_id::text as tenant, who, request_id as address from plinth.fixture_history where row_id = any($1::text::uuid[]) order by 1',
      [`{${asked.map(({ id }) => id).join()}}`],
    )
    expect(kept).toEqual(
      asked.map(({ id, scope }) => ({
        id,
        tenant: scope.tenantId,
        who: scope.onBehalfOf ?? null,
        address: scope.client?.address,
      })),
    )
    const told = await opened.owner.query(
      'select substr(key, 6) as id, tenant_id::text as tenant, actor_id as who from plinth.events where key = any($1::text::text[]) order by 1',
      [`{${asked.map(({ id }) => `site:${id}`).join()}}`],
    )
    expect(told).toEqual(asked.map(({ id, scope }) => ({ id, tenant: scope.tenantId, who: scope.actor.id })))
  })

  test('a row to which a trigger gives another id is recorded as well', async () => {
    const { create, site } = declare([recording()])
    const table = opened.table('sites', tenantA)
    await opened.owner.script(
      `create function public.fixture_move() returns trigger language plpgsql as $$ begin if new.name = 'moved' then new.id = gen_random_uuid(); end if; return new; end $$;
       create trigger fixture_move before insert on ${table} for each row execute function public.fixture_move()`,
    )
    try {
      const asked = times(30, (at) => create(site, { name: at === 20 ? 'moved' : 'stays' }))
      const rows = await Promise.all(asked.map(({ done }) => done))
      expect(rows.map(({ id }, at) => id === asked[at]!.id)).toEqual(times(30, (at) => at !== 20))
      const [count] = await opened.owner.query(
        'select count(*)::text as n from plinth.fixture_history where row_id = any($1::text::uuid[])',
        [`{${asked.map(({ id }) => id).join()}}`],
      )
      expect(count).toEqual({ n: '30' })
    } finally {
      await opened.owner.script(`drop trigger fixture_move on ${table}; drop function public.fixture_move()`)
    }
  })
})

test('a lock that one of them waits for holds up no other', async () => {
  const opened = await openServer(inject('postgresUrl'))
  try {
    const { database, resource } = attach(opened.drivers)
    const [site, project] = [resource(sites), resource(projects)]
    const session = database.session(scopeOf(tenantA))
    const siteId = newId()
    const named = (info: ResourceInfo, given: Readonly<Record<string, Stored>>) =>
      new Map(Object.entries(given).map(([key, value]) => [fieldOf(info, key), value]))
    await session.create({ resource: site, id: siteId, ownerUserId: null, values: named(site, { name: 'locked' }) })
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    let locked: () => void = () => undefined
    const isLocked = new Promise<void>((resolve) => (locked = resolve))
    const holding = opened.owner.transaction(async (connection) => {
      await connection.query('select 1 from public.sites where id = $1::uuid for update', [siteId])
      locked()
      await held
    })
    await isLocked
    let waited = true
    const asked = times(30, (at) =>
      session.create({
        resource: project,
        id: newId(),
        ownerUserId: null,
        values: named(project, { name: `locked ${at}`, siteId: at === 12 ? siteId : null }),
      }),
    )
    void asked[12]!.then(() => (waited = false))
    await Promise.all(asked.filter((_, at) => at !== 12))
    expect(waited).toBe(true)
    release()
    await holding
    expect(await asked[12]).toMatchObject({ siteId })
  } finally {
    await opened.close()
  }
})
