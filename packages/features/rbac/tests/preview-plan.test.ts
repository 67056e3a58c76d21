import { factIs, or, policy } from '@plinth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openHouse, outcome, type House, type Person } from './people.ts'

interface Preview {
  readonly holders: number
  readonly gaining: number
  readonly losing: number
  readonly data: readonly { id: string; gained: string[]; lost: string[] }[]
}

let house: House
let owner: Person
let reader: Person
let maker: Person
beforeAll(async () => {
  house = await openHouse({
    plinth: {
      policies: [
        policy({ name: 'folders come with pro', action: 'folder:*', when: factIs('tenantPlan', 'eq', 'pro') }),
        policy({
          name: 'crates are sealed by owners, or with pro',
          action: 'crate:seal',
          when: or(factIs('role', 'eq', 'owner'), factIs('tenantPlan', 'eq', 'pro')),
        }),
      ],
    },
  })
  owner = await house.member('olga', ['owner'])
  await house.ask(owner, 'POST', 'roles', { name: 'sealer', permissions: ['crate:read', 'crate:seal:own'] })
  reader = await house.member('rita', ['read_only'])
  maker = await house.member('max', ['sealer'])
}, 60_000)
afterAll(() => house.close())

const ask = async (plan: string | null): Promise<Preview> => {
  const reply = await house.ask(owner, 'POST', 'user-roles/preview', { change: 'plan', plan })
  expect(reply.status, reply.body).toBe(200)
  return reply.json as Preview
}
const setPlan = async (plan: string | null): Promise<void> => {
  const value = plan === null ? 'null' : `'${plan}'`
  await house.platform.superuser.query(`update plinth.tenants set plan = ${value} where id = '${house.platform.a.id}'`)
  house.platform.database.forget()
}
const of = ({ data }: Preview, { id }: Person) => data.find((one) => one.id === id)

test('another plan: who gains what by it, as it comes to be', async () => {
  await setPlan(null)
  expect(outcome(await house.ask(reader, 'GET', 'folders'))).toBe('403 permission_denied')
  const told = await ask('pro')
  expect(told).toMatchObject({ gaining: told.data.length, losing: 0 })
  expect(of(told, reader)).toMatchObject({ gained: ['folder:read:all'], lost: [] })
  expect(of(told, maker)).toMatchObject({ gained: ['crate:seal:own'], lost: [] })
  // An owner seals under every plan.
  expect(of(told, owner)!.gained).toContain('folder:delete:all')
  expect(of(told, owner)!.gained).not.toContain('crate:seal:all')
  await setPlan('pro')
  expect((await house.ask(reader, 'GET', 'folders')).status).toBe(200)
})

test('and who loses what without it; a plan that changes nothing tells of nobody', async () => {
  await setPlan('pro')
  const told = await ask(null)
  expect(told).toMatchObject({ gaining: 0, losing: told.data.length })
  expect(of(told, reader)).toMatchObject({ gained: [], lost: ['folder:read:all'] })
  expect((await ask('pro')).data).toEqual([])
  // Nothing was written.
  expect((await house.ask(reader, 'GET', 'folders')).status).toBe(200)
})

test('it is for those who may see who has which role', async () => {
  const asked = { change: 'plan', plan: 'pro' }
  expect(outcome(await house.ask(maker, 'POST', 'user-roles/preview', asked))).toBe('403 permission_denied')
  const reply = await house.ask(owner, 'POST', 'user-roles/preview', { change: 'plan', plan: '' })
  expect(outcome(reply)).toBe('400 validation_failed')
})
