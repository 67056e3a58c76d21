import { addMember, defineJob, PermissionSet, type Principal } from '@plinth/core'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { jobPlatform, notes, writeNote, type JobPlatform } from './job-platform.ts'

/* A job is asked for by somebody who may, and runs when he may no more. */

const seen: string[] = []
const ownOnly = defineJob({
  name: 'own',
  input: z.object({}),
  retry: { attempts: 1 },
  run: async (ctx) => {
    seen.push(`${ctx.principal.kind} ${String(ctx.can('note:create'))} ${String(ctx.principal.superadmin)}`)
    await ctx.create(notes, { title: 'written' })
  },
})

const anything = defineJob({ name: 'anything', input: z.unknown(), run: () => undefined })

/** What happens while it is outside. */
let meanwhile: () => Promise<void> = () => Promise.resolve()
const slow = defineJob({
  name: 'slow',
  input: z.object({}),
  retry: { attempts: 1 },
  outside: () => meanwhile(),
  run: (ctx) => ctx.create(notes, { title: 'too late' }),
})

let platform: JobPlatform
let may = true

beforeAll(async () => {
  platform = await jobPlatform(
    [writeNote, ownOnly, slow, anything],
    {},
    {
      features: [
        {
          name: 'test-roles',
          slots: {
            roles: ({ registry }) => {
              const all = registry.permissions
              return {
                permissionsOf: () => (may ? everything(all) : PermissionSet.none),
                unknown: () => [],
                rank: (roles) => [...roles],
              }
            },
          },
        },
      ],
    },
  )
})
afterEach(async () => {
  may = true
  await platform.superuser.script('delete from plinth.background_jobs; delete from notes')
  seen.length = 0
})
afterAll(() => platform.close())

function everything(numbers: JobPlatform['plinth']['registry']['permissions']): PermissionSet {
  const found = platform.plinth.registry.features
    .flatMap((feature) => feature.slots?.principals ?? [])
    .find(({ kind }) => kind === 'service')
  const principal = found?.find('a-full') as Principal
  return numbers.names.length > 0 ? (principal.permissions as PermissionSet) : PermissionSet.none
}

async function member(): Promise<Principal> {
  const id = randomUUID()
  await platform.superuser.query(
    `insert into plinth.users (id, email, name, email_verified_at) values ($1::uuid, $2::text, 'Person', now())`,
    [id, `${id}@example.test`],
  )
  await platform.database.system((system) =>
    addMember(system, { tenantId: platform.a.id, userId: id, roles: ['user'] }),
  )
  platform.database.forget()
  return {
    kind: 'user',
    id,
    name: 'Person',
    userId: id,
    groupIds: [],
    tenant: null,
    superadmin: true,
    permissions: PermissionSet.none,
    rights: { member: id },
  }
}

const asked = (principal: Principal) =>
  platform.plinth.as(principal, platform.a.slug, (ctx) => ctx.enqueue(ownOnly, {}, { delay: '1h' }))

test('a member’s job runs with what his membership gives him, and not as an operator', async () => {
  await asked(await member())
  platform.clock.advance(3_600_000)
  await platform.settled()
  expect(seen).toEqual(['user true false'])
  expect(await platform.titles()).toEqual(['written'])
})

test.each([
  ['removed', `delete from plinth.memberships where user_id = $1::uuid`],
  ['suspended', `update plinth.memberships set status = 'suspended' where user_id = $1::uuid`],
  ['whose account is suspended', `update plinth.users set status = 'suspended' where id = $1::uuid`],
])('the job of a member who was %s does not run', async (_how, change) => {
  const principal = await member()
  await asked(principal)
  await platform.superuser.query(change, [principal.id])
  platform.database.forget()
  platform.clock.advance(3_600_000)
  await platform.settled()
  expect(seen).toEqual([])
  expect(await platform.rows()).toMatchObject([
    { status: 'dead', error: 'Whoever asked for it may not enter this tenant any more.' },
  ])
})

test('who is removed while his job is outside changes nothing any more', async () => {
  const principal = await member()
  meanwhile = async () => {
    await platform.superuser.query(`delete from plinth.memberships where user_id = $1::uuid`, [principal.id])
    platform.database.forget()
  }
  await platform.plinth.as(principal, platform.a.slug, (ctx) => ctx.enqueue(slow, {}))
  await platform.settled()
  expect(await platform.titles()).toEqual([])
  expect(await platform.rows()).toMatchObject([
    { status: 'dead', error: 'Whoever asked for it may not enter this tenant any more.' },
  ])
})

test('what a role lost meanwhile, its holder’s job has lost too', async () => {
  await asked(await member())
  may = false
  platform.clock.advance(3_600_000)
  await platform.settled()
  expect(await platform.titles()).toEqual([])
  expect(await platform.rows()).toMatchObject([{ status: 'dead', error: expect.stringContaining('note:create') }])
})

test('a service that is gone may nothing', async () => {
  const id = await platform.enqueue(writeNote, { title: 'x' }, { delay: '1h' })
  await platform.superuser.query(`update plinth.background_jobs set principal_id = 'gone' where id = $1::uuid`, [id])
  platform.clock.advance(3_600_000)
  await platform.settled()
  expect(await platform.rows()).toMatchObject([{ status: 'dead', attempts: 1 }])
  expect(await platform.titles()).toEqual([])
})

test('jobs of a suspended tenant are held, and go on when it is active again', async () => {
  await platform.enqueue(writeNote, { title: 'held' }, { delay: '1h' })
  const stand = async (status: string): Promise<void> => {
    await platform.superuser.query('update plinth.tenants set status = $2::text where id = $1::uuid', [
      platform.a.id,
      status,
    ])
    platform.database.forget()
  }
  await stand('suspended')
  platform.clock.advance(3_600_000)
  await vi.waitFor(
    async () =>
      expect(await platform.rows()).toMatchObject([
        { status: 'held', attempts: 0, error: 'The tenant is suspended: it may be read, not changed.' },
      ]),
    { timeout: 10_000 },
  )
  await stand('active')
  await platform.settled()
  expect(await platform.titles()).toEqual(['held'])
})

const forge = (kind: string, principal: string, seal: string, id: string = randomUUID()) =>
  platform.superuser.transaction(async (connection) => {
    await connection.query(`set local role plinth_app`)
    await connection.query(
      `select set_config('plinth.tenant', $1::text, true), set_config('plinth.principal', 'a-own', true)`,
      [platform.a.id],
    )
    return connection.query(
      `insert into plinth.background_jobs (tenant_id, id, type, payload, status, max_attempts, run_at, principal_kind, principal_id,
         second_factor, request_id, seal)
       values ($1::uuid, $2::uuid, 'own', '{}', 'waiting', 1, now(), $3::text, $4::text, true, 'forged', $5::text) returning id`,
      [platform.a.id, id, kind, principal, seal],
    )
  })

test.each([
  ['the platform', 'system', 'system', 'x'],
  ['somebody else', 'user', 'somebody', 'x'],
  ['itself, without a seal', 'service', 'a-own', ''],
  ['a kind that there is not', 'root', 'a-own', 'x'],
])('the runtime login inserts no job of %s', async (_who, kind, principal, seal) => {
  await expect(forge(kind, principal, seal)).rejects.toThrow('row-level security')
  expect(await platform.rows()).toEqual([])
})

const asRuntime = (statement: string): Promise<readonly unknown[]> =>
  platform.superuser.transaction(async (connection) => {
    await connection.query('set local role plinth_app')
    await connection.query(`select set_config('plinth.tenant', $1::text, true)`, [platform.a.id])
    return connection.query(statement)
  })
const STATUSES = ['scheduled', 'waiting', 'held', 'queued', 'running', 'completed', 'cancelled', 'dead', 'discarded']

test('the runtime login says of a job that runs that it is done, and changes no other one, nor to anything else', async () => {
  await platform.enqueue(writeNote, { title: 'real' }, { delay: '1h' })
  const changed: string[] = []
  for (const from of STATUSES)
    for (const to of [...STATUSES, 'lost']) {
      const attempt = platform.superuser.transaction(async (connection) => {
        await connection.query('update plinth.background_jobs set status = $1::text', [from])
        await connection.query('set local role plinth_app')
        await connection.query(`select set_config('plinth.tenant', $1::text, true)`, [platform.a.id])
        const rows = await connection.query(
          'update plinth.background_jobs set status = $1::text, finished_at = now() returning id',
          [to],
        )
        // Nobody else sees what became of it.
        throw new Error(rows.length > 0 ? 'changed' : 'not there')
      })
      const outcome = await attempt.catch((error: unknown) => (error as Error).message)
      if (outcome === 'changed') changed.push(`${from} ${to}`)
      else expect(outcome).toMatch(from === 'running' ? /row-level security/ : /^not there$/)
    }
  expect(changed).toEqual(['running completed'])
})

test('a job that is done does not run again because SQL of somebody else’s says so', async () => {
  await platform.enqueue(writeNote, { title: 'once' })
  await platform.settled()
  expect(await asRuntime(`update plinth.background_jobs set status = 'waiting' returning id`)).toEqual([])
  expect(await platform.titles()).toEqual(['once'])
})

test.each(['seal', 'input_seal', '*'])('nor does the runtime login read of a job its %s', async (what) => {
  await expect(asRuntime(`select ${what} from plinth.background_jobs`)).rejects.toThrow('permission denied')
})

test.each([
  ['with another input', `payload = '{"title":"forged"}'`],
  ['as another job', `type = 'own'`],
  ['under another key', `key = 'k'`],
  ['as if it had been asked for later', `created_at = created_at + interval '1 hour'`],
  ['with more input', `payload = payload || '{"number":1}'`],
])('what was signed is worth nothing %s, where the job is swept and put there again', async (_how, change) => {
  await platform.enqueue(writeNote, { title: 'real' }, { delay: '1h' })
  await platform.superuser.query(`update plinth.background_jobs set ${change}`)
  platform.clock.advance(3_600_000)
  await platform.settled()
  expect(await platform.titles()).toEqual([])
  expect(await platform.rows()).toMatchObject([{ status: 'dead', attempts: 1 }])
})

test('what was asked for by the release before has no seal of its input, and runs', async () => {
  await platform.enqueue(writeNote, { title: 'older' }, { delay: '1h' })
  await platform.superuser.query(`update plinth.background_jobs set input_seal = null`)
  platform.clock.advance(3_600_000)
  await platform.settled()
  expect(await platform.titles()).toEqual(['older'])
})

test.each<[string, unknown]>([
  ['names in any order', { b: 1, a: { d: [], c: null }, 10: 'ten', 9: 'nine', é: 1, '😀': 2, '': 3 }],
  ['numbers of any size', [0, -0, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, 0.1, 123456789.125, -1e100]],
  ['any text', ['\u2028 " \\ / \t \x7f', 'é', 'e\u0301', '😀']],
  ['names of the language', JSON.parse('{"__proto__":{"a":1},"constructor":2,"toString":3}')],
  ['nothing', null],
  ['what JSON leaves out', { a: undefined, b: () => 1, at: new Date(0) }],
  ['a text', 'text'],
])('an input of %s is the one that was signed', async (_what, input) => {
  await platform.enqueue(anything, input)
  await platform.settled()
  expect(await platform.rows()).toMatchObject([{ status: 'completed', error: null }])
})

test('a job that SQL of somebody else’s has inserted does not run: nobody has signed whose it is', async () => {
  await platform.enqueue(writeNote, { title: 'real' }, { delay: '1h' })
  const [real] = await platform.rows()
  await forge('service', 'a-full', 'test.0123456789012345678901')
  // Of another job, whose principal, tenant and rights are the same.
  await forge('service', 'a-full', String(real!['seal']))
  await vi.waitFor(async () => expect(await platform.rows(`status = 'dead'`)).toHaveLength(2), { timeout: 10_000 })
  const dead = await platform.rows(`status = 'dead'`)
  expect(new Set(dead.map((row) => row['error']))).toEqual(
    new Set(['In whose name it runs, and with what, is not signed by a key of this platform.']),
  )
  platform.clock.advance(3_600_000)
  await platform.settled()
  expect(await platform.titles()).toEqual(['real'])
})

test('what was signed for one job is no more worth where a column of it is another', async () => {
  await platform.enqueue(writeNote, { title: 'mine' }, { delay: '1h' })
  await platform.superuser.query(`update plinth.background_jobs set principal_id = 'a-own'`)
  platform.clock.advance(3_600_000)
  await platform.settled()
  expect(await platform.rows()).toMatchObject([{ status: 'dead', attempts: 1 }])
})
