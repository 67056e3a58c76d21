import type { EventRecord } from '@plinth/core'
import { capturedLog } from '@plinth/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { peoplePlatform, type PeoplePlatform, type Person } from '../../tests/people-platform.ts'
import { tenants } from '../tenants.ts'
import { isEnabled } from './evaluate.ts'

const feature = tenants({ flags: { 'new-editor': { default: false, scope: 'tenant' }, billing: { default: true } } })

const log = capturedLog()
const heard: EventRecord[] = []
const on = { 'featureFlag.updated': (_: unknown, event: EventRecord) => Promise.resolve(void heard.push(event)) }
let platform: PeoplePlatform
let operator: Person
let admin: Person
beforeAll(async () => {
  platform = await peoplePlatform({ feature, features: [{ name: 'spy', on }], plinth: { log } })
  platform.database.startBackground()
  operator = await platform.person(undefined, { superadmin: true })
})
beforeEach(async () => {
  await platform.stored('delete from plinth.settings')
  await platform.stored('delete from plinth.platform_settings')
  admin = await platform.member('admin')
})
afterAll(() => platform.close())

const path = '/api/v1/feature-flags'
const operate = (body: object): ReturnType<PeoplePlatform['ask']> =>
  platform.ask(operator, 'PATCH', '/api/v1/admin/feature-flags', body, { in: null, flags: '.super' })
const isOn = async (who: Person, key: string): Promise<unknown> => {
  const { data } = (await platform.ask(who, 'GET', path)).json as {
    data: { key: string; enabled: boolean; from: string }[]
  }
  const flag = data.find((each) => each.key === key)!
  return [flag.enabled, flag.from]
}

describe('a share of the people', () => {
  const unit = fc.uuid()
  const key = fc.stringMatching(/^[a-z]{1,12}$/)

  test('is the same people always, and more of them when it grows', () => {
    fc.assert(
      fc.property(
        key,
        unit,
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        (name, who, a, b) => {
          const [less, more] = [Math.min(a, b), Math.max(a, b)]
          const has = (percentage: number): boolean => isEnabled(name, { enabled: true, percentage }, who)
          expect(has(less)).toBe(has(less))
          if (has(less)) expect(has(more)).toBe(true)
          expect([has(0), has(100), isEnabled(name, { enabled: false, percentage: 100 }, who)]).toEqual([
            false,
            true,
            false,
          ])
          expect(isEnabled(name, { enabled: true, percentage: less }, who.toUpperCase())).toBe(has(less))
        },
      ),
    )
  })

  test('is as large as it says, and other people for another flag', () => {
    const people = fc.sample(unit, { numRuns: 4_000, seed: 1 })
    const have = (name: string): ReadonlySet<string> =>
      new Set(people.filter((who) => isEnabled(name, { enabled: true, percentage: 20 }, who)))
    const [left, right] = [have('left'), have('right')]
    for (const { size } of [left, right]) expect(size / people.length).toBeCloseTo(0.2, 1)
    const both = [...left].filter((who) => right.has(who)).length
    expect(both / people.length).toBeCloseTo(0.04, 1)
  })
})

test('the tenant says before the operator, and he before the code', async () => {
  const code = (): Promise<boolean> =>
    feature.flags.enabled('new-editor', { tenantId: platform.a.id, userId: admin.id })
  expect([await isOn(admin, 'new-editor'), await code()]).toEqual([[false, 'default'], false])
  expect((await operate({ flags: { 'new-editor': true } })).status).toBe(200)
  expect([await isOn(admin, 'new-editor'), await code()]).toEqual([[true, 'platform'], true])
  const body = { 'new-editor': { enabled: true, percentage: 0 } }
  expect((await platform.ask(admin, 'PATCH', path, body)).status).toBe(200)
  expect([await isOn(admin, 'new-editor'), await code()]).toEqual([[false, 'tenant'], false])
  expect((await platform.ask(admin, 'PATCH', path, { 'new-editor': null })).status).toBe(200)
  expect(await isOn(admin, 'new-editor')).toEqual([true, 'platform'])
})

test('what is the operator’s the tenant does not switch; he does, for one tenant too', async () => {
  const refused = await platform.ask(admin, 'PATCH', path, { billing: false, nothing: true })
  expect((refused.json as { errors: { path: string; code: string }[] }).errors).toMatchObject([
    { path: '/billing', code: 'not_settable' },
    { path: '/nothing', code: 'unknown_field' },
  ])
  expect((await operate({ tenant: platform.a.slug, flags: { billing: false } })).status).toBe(200)
  expect(await isOn(admin, 'billing')).toEqual([false, 'tenant'])
  expect(await feature.flags.enabled('billing', { tenantId: platform.b.id })).toBe(true)
  expect((await operate({ tenant: 'nobody', flags: {} })).status).toBe(404)
  const user = await platform.member('user')
  expect((await platform.ask(user, 'PATCH', path, { 'new-editor': true })).status).toBe(403)
  expect((await platform.ask(admin, 'PATCH', '/api/v1/admin/feature-flags', { flags: {} }, { in: null })).status).toBe(
    403,
  )
})

test('each switch in a tenant is an event there, whoever made it; one for all is a line in the log', async () => {
  const tenantId = platform.a.id
  const headers = { 'idempotency-key': `flag-${admin.id}` }
  for (let time = 0; time < 2; time += 1)
    expect((await platform.ask(admin, 'PATCH', path, { 'new-editor': true }, { headers })).status).toBe(200)
  expect((await operate({ tenant: platform.a.slug, flags: { billing: false } })).status).toBe(200)
  expect((await operate({ tenant: platform.a.slug, flags: {} })).status).toBe(200)
  expect((await operate({ flags: { billing: false } })).status).toBe(200)
  const by = (who: Person): unknown => ({ type: 'featureFlag.updated', tenantId, actor: { kind: 'user', id: who.id } })
  const told = (): readonly EventRecord[] => heard.filter(({ actor }) => [admin.id, operator.id].includes(actor.id))
  await vi.waitFor(() => expect(told().slice(-2)).toMatchObject([by(admin), by(operator)]), { timeout: 10_000 })
  const last = told().slice(-2)
  expect(last[0]!.data).toEqual({ keys: ['new-editor'] })
  expect(heard.filter(({ actor }) => actor.id === admin.id)).toHaveLength(1)
  expect(log.of('platform_flags_changed').at(-1)).toMatchObject({ fields: { by: operator.id, keys: ['billing'] } })
})
