import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CommandCall } from '../../packages/surfaces/cli/src/command.ts'
import { commands as ownCommands } from '../../packages/surfaces/cli/src/run-cli.ts'
import { styleOf } from '../../packages/surfaces/cli/src/style.ts'
import { PASSWORD, type Person } from '../identity/open-identity.ts'
import { openWalk, type Walk } from './walk.ts'

/* What is done by commands, where the database is, is in the log as what is asked for over HTTP is. */

const PLATFORM = '00000000-0000-0000-0000-000000000000'

/** An entry, without what another run would have otherwise. */
interface Left {
  readonly chain: string
  readonly action: string
  readonly outcome: string
  readonly actor: string
  readonly target: string | null
  readonly detail: Readonly<Record<string, unknown>> | null
}

/** Commands that change something, or read what is a tenant's or the log itself: what is run below, and seen to leave an entry. */
const recorded = new Set([
  'admin:create',
  'audit:acknowledge',
  'audit:archive',
  'audit:checkpoint',
  'audit:reshred',
  'audit:verify',
  'events:parked',
  'events:redrive',
  'events:discard',
  'explain',
  'keys:rotate',
  'rbac:apply',
  'rbac:seed',
  'roles:preview',
  'tenant:export',
  'tenant:import',
  'tenants:purge',
])

/** Commands that leave no entry, each with the reason. */
const none: Readonly<Record<string, string>> = {
  doctor: 'compares the catalog with the declaration; reads no rows',
  init: 'writes files of a project that has no database yet',
  'keys:generate': 'writes a file of keys; reads and changes no database',
  migrate: 'what it did to the schema is in plinth.migrations; a tenant that it founds is an entry (tenant.created)',
  openapi: 'prints the declaration',
  permissions: 'prints the declaration',
  'policies:write': 'writes the declaration into a file',
  routes: 'prints the declaration',
  worker: 'what the jobs change is recorded in the name of whoever asked for them',
}

let walk: Walk
let owner: Person
beforeAll(async () => {
  walk = await openWalk()
  owner = await walk.platform.signUp()
}, 120_000)
afterAll(() => walk.platform.close())

const terminal = { note: () => undefined, ask: () => Promise.resolve(PASSWORD) }

/** What work leaves in the log, of all chains. */
async function left(work: () => Promise<unknown>): Promise<readonly Left[]> {
  const { platform, feature } = walk
  const stored = async (): Promise<ReadonlyMap<string, Left>> => {
    await feature.seal()
    const rows = await platform.superuser.query(`
      select tenant_id, seq, action, outcome, actor_kind || ':' || actor_id as actor, target_id, detail
      from plinth.audit_logs order by occurred_at, tenant_id, seq`)
    return new Map(
      rows.map((row) => [
        `${String(row['tenant_id'])} ${String(row['seq'])}`,
        {
          chain: row['tenant_id'] === PLATFORM ? 'platform' : String(row['tenant_id']),
          action: String(row['action']),
          outcome: String(row['outcome']),
          actor: String(row['actor']),
          target: row['target_id'] === null ? null : String(row['target_id']),
          detail: row['detail'] === null ? null : (JSON.parse(String(row['detail'])) as Left['detail']),
        },
      ]),
    )
  }
  const before = await stored()
  await work()
  return [...(await stored())].filter(([key]) => !before.has(key)).map(([, entry]) => entry)
}

/** The commands that were run, and seen to leave an entry. */
const seen = new Set<string>()

/** What a command of a feature leaves. */
async function run(name: string, options: Readonly<Record<string, string | boolean>> = {}): Promise<readonly Left[]> {
  const command = walk.platform.plinth.commands.find((each) => each.name === name)!
  const entries = await left(() => command.run(options, terminal))
  if (entries.length > 0) seen.add(name)
  return entries
}

/** The same of a command of the program itself. */
async function runOwn(name: string, ...args: readonly string[]): Promise<readonly Left[]> {
  const command = ownCommands.find((each) => each.name === name)!
  const { values, positionals } = parseArgs({
    args: [...args],
    options: Object.fromEntries(Object.entries(command.options).map(([option, { type }]) => [option, { type }])),
    allowPositionals: true,
  })
  const text = (option: string): string | undefined => (typeof values[option] === 'string' ? values[option] : undefined)
  const call: CommandCall = {
    terminal: {
      cwd: '/',
      env: {},
      hasColor: false,
      isLive: false,
      confirm: undefined,
      ask: undefined,
      interrupted: AbortSignal.abort(),
      out: () => undefined,
      err: () => undefined,
    },
    style: styleOf(false),
    positional: positionals[0],
    text,
    flag: (option) => values[option] === true,
    json: true,
    printJson: () => undefined,
    plinth: () => Promise.resolve(walk.platform.plinth),
  }
  const entries = await left(() => command.run(call))
  if (entries.length > 0) seen.add(name)
  return entries
}

const byPlatform = { outcome: 'success', actor: 'system:system' }

test('admin:create', async () => {
  const made = await run('admin:create', { email: 'ops@example.com' })
  expect(made).toMatchObject([
    { ...byPlatform, chain: 'platform', action: 'account.created', detail: { superadmin: true } },
  ])
  const person = await walk.platform.signUp()
  const raised = await run('admin:create', { email: person.email, existing: true })
  expect(raised).toHaveLength(2)
  expect(raised).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        ...byPlatform,
        chain: 'platform',
        action: 'account.updated',
        target: person.userId,
        detail: { changed: ['superadmin', 'password'], superadmin: true, sessions: 1 },
      }),
      expect.objectContaining({
        ...byPlatform,
        chain: person.tenantId,
        action: 'password.updated',
        target: person.userId,
      }),
    ]),
  )
  // What is refused makes nobody, and is no entry of something that was done.
  expect(await left(() => run('admin:create', { email: person.email }).catch(() => undefined))).toEqual([])
}, 60_000)

test('keys:rotate, explain and the rates of a tenant', async () => {
  const { platform } = walk
  expect(await runOwn('keys:rotate')).toMatchObject([
    {
      ...byPlatform,
      chain: 'platform',
      action: 'keyRing.resealed',
      detail: { features: ['audit', 'auth', 'tenants', 'webhooks'] },
    },
  ])
  expect(await runOwn('explain', 'folder:read', '--as', owner.userId, '--tenant', owner.tenantId)).toMatchObject([
    {
      ...byPlatform,
      chain: owner.tenantId,
      action: 'system.access',
      detail: { reason: 'explains folder:read', about: `user:${owner.userId}` },
    },
  ])
  const rates = { tenant: { capacity: 100, windowSeconds: 60 }, principal: null }
  expect(await left(() => platform.plinth.setTenantRates(owner.tenantId, rates))).toMatchObject([
    {
      ...byPlatform,
      chain: owner.tenantId,
      action: 'rateLimit.updated',
      target: owner.tenantId,
      detail: { tenant: '100 in 60 s', principal: null },
    },
  ])
})

test('what cannot be recorded does not happen', async () => {
  const { platform } = walk
  const stored = (): Promise<unknown> => platform.superuser.query('select * from plinth.rate_limits order by 1, 2')
  const before = await stored()
  await platform.superuser.query('alter table plinth.audit_inbox rename to audit_inbox_away')
  try {
    const rates = { tenant: { capacity: 7, windowSeconds: 60 } }
    await expect(platform.plinth.setTenantRates(owner.tenantId, rates)).rejects.toBeInstanceOf(Error)
  } finally {
    await platform.superuser.query('alter table plinth.audit_inbox_away rename to audit_inbox')
  }
  expect(await stored()).toEqual(before)
})

test('events:parked, events:redrive, events:discard', async () => {
  const other = await walk.platform.signUp()
  // More than are changed in one transaction.
  await walk.platform.superuser.query(
    `insert into plinth.events (tenant_id, id, type, key, data, actor_kind, actor_id, request_id, occurred_at, parked_at)
     select t.id, gen_random_uuid(), 'folder.created', 'k' || n, '{}', 'service', 'x', 'r', now(), now()
     from generate_series(1, 600) n, (values ($1::uuid), ($2::uuid)) t (id) where n = 1 or t.id = $1::uuid`,
    [owner.tenantId, other.tenantId],
  )
  const access = { ...byPlatform, action: 'system.access', detail: { reason: 'events that were set aside' } }
  const read = await run('events:parked')
  expect(read.map(({ chain }) => chain).toSorted()).toEqual([owner.tenantId, other.tenantId].toSorted())
  expect(read).toMatchObject([access, access])
  const redriven = await run('events:redrive', { tenant: owner.tenantId })
  expect(redriven).toHaveLength(600)
  expect(new Set(redriven.map(({ target }) => target)).size).toBe(600)
  expect(redriven[0]).toMatchObject({
    ...byPlatform,
    chain: owner.tenantId,
    action: 'event.redrive',
    detail: { type: 'folder.created' },
  })
  const [left] = await walk.platform.superuser.query('select id from plinth.events where parked_at is not null')
  const id = String(left!['id'])
  expect(await run('events:discard', { id })).toMatchObject([
    { ...byPlatform, chain: other.tenantId, action: 'event.discard', target: id, detail: { type: 'folder.created' } },
  ])
  expect(await run('events:redrive')).toEqual([])
}, 60_000)

test('tenants:purge', async () => {
  const { platform, feature } = walk
  const [gone, other] = [await platform.signUp(), await platform.signUp()]
  const slugs = await platform.superuser.query('select id, slug from plinth.tenants')
  const slug = slugs.find(({ id }) => id === gone.tenantId)!['slug']
  const due = platform.clock.now().toISOString()
  await platform.superuser.query(
    `update plinth.tenants set status = 'pending_deletion', delete_after = $2::timestamptz where id = $1::uuid`,
    [gone.tenantId, due],
  )
  // Others hear of it first: until they have, which may be at once, nothing goes.
  const told = [...(await run('tenants:purge'))]
  await platform.superuser.query('update plinth.events set delivered_at = now() where tenant_id = $1::uuid', [
    gone.tenantId,
  ])
  const purged = { ...byPlatform, chain: 'platform', action: 'tenant.purged', target: gone.tenantId, detail: { slug } }
  told.push(...(await run('tenants:purge')))
  expect(told.toSorted((one, other) => one.action.localeCompare(other.action))).toMatchObject([
    { ...byPlatform, chain: gone.tenantId, action: 'tenant.deleted', detail: { id: gone.tenantId, slug } },
    purged,
  ])
  const left = await platform.superuser.query('select id from plinth.tenants where id in ($1::uuid, $2::uuid)', [
    gone.tenantId,
    other.tenantId,
  ])
  expect(left).toEqual([{ id: other.tenantId }])
  // The book of the tenant stays, to its end.
  expect(await feature.verifyLog(gone.tenantId)).toMatchObject({ valid: true })
  expect(await run('tenants:purge')).toEqual([])
}, 60_000)

test('a tenant goes with the entry of it or not at all, and what waits to be sealed does not go with it', async () => {
  const { platform, feature } = walk
  const gone = await platform.signUp()
  await feature.seal()
  const due = new Date(platform.clock.now().getTime() - 2 * 86_400_000).toISOString()
  await platform.superuser.query(
    `update plinth.tenants set status = 'pending_deletion', delete_after = $2::timestamptz, deletion_announced_at = $2::timestamptz
     where id = $1::uuid`,
    [gone.tenantId, due],
  )
  await platform.superuser.query(
    `insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
     values ($1::uuid, now(), 'system', 'system', 'tenant.looked', 'last')`,
    [gone.tenantId],
  )
  const command = platform.plinth.commands.find(({ name }) => name === 'tenants:purge')!
  const forbid = `create function pg_temp_no() returns trigger language plpgsql as $$ begin
    if new.action = 'tenant.purged' then raise exception 'no'; end if; return new; end $$`
  await platform.superuser.script(
    `${forbid}; create trigger no before insert on plinth.audit_inbox for each row execute function pg_temp_no()`,
  )
  try {
    await expect(command.run({}, terminal)).rejects.toBeInstanceOf(Error)
  } finally {
    await platform.superuser.script('drop trigger no on plinth.audit_inbox; drop function pg_temp_no()')
  }
  const there = (): Promise<unknown> =>
    platform.superuser.query('select 1 as n from plinth.tenants where id = $1::uuid', [gone.tenantId])
  expect(await there()).toEqual([{ n: 1 }])
  await command.run({}, terminal)
  expect(await there()).toEqual([])
  await feature.seal()
  const [last] = await platform.superuser.query(
    'select action from plinth.audit_logs where tenant_id = $1::uuid order by seq desc limit 1',
    [gone.tenantId],
  )
  expect(last).toEqual({ action: 'tenant.looked' })
}, 60_000)

test('rbac:seed, rbac:apply, roles:preview', async () => {
  const tenant = owner.tenantId
  const access = { ...byPlatform, chain: tenant, action: 'system.access' }
  expect(await run('rbac:seed', { tenant })).toMatchObject([{ ...access, detail: { reason: 'roles of a tenant' } }])
  const folder = mkdtempSync(join(tmpdir(), 'plinth-commands-'))
  try {
    const file = join(folder, 'roles.json')
    writeFileSync(file, JSON.stringify({ tenantRoles: { packer: { permissions: ['folder:read'] } } }))
    // What would be done is read from the tenant as well.
    expect(await run('rbac:apply', { tenant, file, 'dry-run': true })).toMatchObject([access])
    expect(await run('rbac:apply', { tenant, file })).toMatchObject([
      access,
      { ...byPlatform, chain: tenant, action: 'role.created' },
    ])
    expect(await run('roles:preview', { tenant, role: 'packer', permissions: 'folder:update' })).toMatchObject([
      { ...access, detail: { reason: 'preview of rights' } },
    ])
    expect(await run('policies:write', { file: join(folder, 'policies.json') })).toEqual([])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 60_000)

test('tenant:export, tenant:import', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-commands-'))
  try {
    const out = join(folder, 'tenant.plinth')
    expect(await run('tenant:export', { tenant: owner.tenantId, out })).toMatchObject([
      { ...byPlatform, chain: owner.tenantId, action: 'tenant.exported', detail: { secrets: false } },
    ])
    expect(await run('tenant:import', { file: out, as: 'copy', 'dry-run': true })).toEqual([])
    const imported = await run('tenant:import', { file: out, as: 'copy' })
    expect(imported).toMatchObject([{ ...byPlatform, action: 'tenant.imported' }])
    expect(imported[0]!.chain).not.toBe(owner.tenantId)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 60_000)

test('what only looks at the declaration and the catalog leaves none', async () => {
  for (const name of ['doctor', 'routes', 'permissions', 'openapi', 'migrate']) expect(await runOwn(name)).toEqual([])
}, 60_000)

test('audit:verify, audit:checkpoint, audit:archive', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-commands-'))
  try {
    const tenant = owner.tenantId
    const own = { ...byPlatform, chain: tenant }
    expect(await run('audit:verify', { tenant })).toMatchObject([
      { ...own, action: 'auditLog.verified', detail: { valid: true, chains: 1 } },
    ])
    expect(await run('audit:checkpoint', { tenant })).toMatchObject([{ ...own, action: 'auditLog.signed' }])
    // Before the first byte: one that cannot be written was asked for all the same.
    const away = join(folder, 'away', 'a.jsonl')
    const asked = { ...own, action: 'auditLog.exported', detail: { format: 'archive' } }
    expect(await left(() => run('audit:archive', { tenant, out: away }).catch(() => undefined))).toMatchObject([asked])
    const out = join(folder, 'a.jsonl')
    expect(await run('audit:archive', { tenant, out })).toMatchObject([asked])
    expect(readFileSync(out, 'utf8').match(/"auditLog.exported"/g)).toHaveLength(2)
    // Of all of them one, in the log of the platform.
    const all = { ...byPlatform, chain: 'platform', detail: { logs: 'all' } }
    expect(await run('audit:verify')).toMatchObject([{ ...all, action: 'auditLog.verified' }])
    expect(await run('audit:checkpoint')).toMatchObject([{ ...all, action: 'auditLog.signed' }])
    expect(await run('audit:archive', { tenant: 'platform', out: join(folder, 'b.jsonl') })).toMatchObject([
      { ...asked, chain: 'platform' },
    ])
    // A file is no log of this platform.
    expect(await run('audit:verify', { file: out })).toEqual([])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 60_000)

test('audit:acknowledge', async () => {
  const { superuser } = walk.platform
  const tenant = owner.tenantId
  const change = (to: string): Promise<void> =>
    superuser.script(`
      set session_replication_role = replica;
      update plinth.audit_logs set request_id = ${to} where tenant_id = '${tenant}' and seq = 1;
      set session_replication_role = default`)
  await change(`'changed ' || request_id`)
  expect(await run('audit:acknowledge', { tenant, reason: 'no copy' })).toMatchObject([
    {
      ...byPlatform,
      chain: tenant,
      action: 'auditLog.acknowledged',
      detail: { firstBad: 1, fault: 'changed', reason: 'no copy' },
    },
  ])
  await change(`replace(request_id, 'changed ', '')`)
}, 60_000)

test('audit:reshred', async () => {
  const { platform, feature } = walk
  const folder = mkdtempSync(join(tmpdir(), 'plinth-commands-'))
  const keys = (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
    platform.superuser.query(
      'select tenant_id, id, subject, sealed, created_at::text as created_at from plinth.audit_subject_keys where subject = $1::text',
      [`user:${owner.userId}`],
    )
  try {
    await platform.call('POST', '/api/v1/folders', { name: 'x' }, { ...owner.bearer, 'user-agent': 'mine' })
    await feature.seal()
    const [backup] = await keys()
    platform.clock.advance(1_000)
    expect(await feature.shredSubject(`user:${owner.userId}`)).toBeGreaterThan(0)
    const file = join(folder, 'platform.jsonl')
    await run('audit:archive', { tenant: 'platform', out: file })
    // As a backup brings it back.
    await platform.superuser.query(
      `insert into plinth.audit_subject_keys (tenant_id, id, subject, sealed, created_at)
       values ($1::uuid, $2::uuid, $3::text, $4::text, $5::timestamptz)`,
      ['tenant_id', 'id', 'subject', 'sealed', 'created_at'].map((name) => String(backup![name])),
    )
    expect(await run('audit:reshred', { file })).toMatchObject([
      { ...byPlatform, chain: 'platform', action: 'subject.erased', target: `user:${owner.userId}` },
    ])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 60_000)

test('there is no command that was forgotten, and those that record were seen to', () => {
  const names = [...ownCommands, ...walk.platform.plinth.commands].map(({ name }) => name)
  expect([...recorded, ...Object.keys(none)].toSorted()).toEqual(names.toSorted())
  expect([...seen].filter((name) => Object.hasOwn(none, name))).toEqual([])
  expect([...recorded].filter((name) => !seen.has(name))).toEqual([])
})
