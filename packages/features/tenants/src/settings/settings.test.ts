import { randomBytes } from 'node:crypto'
import { keyRingSecrets, parseKeyRing, type Platform } from '@plinth/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { peoplePlatform, type PeoplePlatform, type Person } from '../../tests/people-platform.ts'
import { tenants } from '../tenants.ts'
import { resealSettings } from './reseal.ts'

const feature = tenants({
  settings: {
    'mail.footer': { schema: z.string().max(100), default: 'none', scope: 'tenant', description: 'Below mails' },
    theme: { schema: z.enum(['light', 'dark']), default: 'light', scope: 'user' },
    'upload.most': { schema: z.int().max(1_000), default: 10, scope: 'platform' },
    'smtp.password': { schema: z.string(), default: '', scope: 'tenant', secret: true },
  },
})

let platform: PeoplePlatform
let parts: Platform
let operator: Person
let admin: Person
let user: Person
beforeAll(async () => {
  platform = await peoplePlatform({ feature, features: [{ name: 'spy', start: (started) => void (parts = started) }] })
  operator = await platform.person(undefined, { superadmin: true })
})
beforeEach(async () => {
  await platform.stored('delete from plinth.settings')
  await platform.stored('delete from plinth.platform_settings')
  admin = await platform.member('admin')
  user = await platform.member('user')
})
afterAll(() => platform.close())

const path = '/api/v1/settings'
const operate = (body: object): ReturnType<PeoplePlatform['ask']> =>
  platform.ask(operator, 'PATCH', '/api/v1/admin/settings', body, { in: null, flags: '.super' })
const settingsOf = (reply: { readonly json: unknown }): Record<string, { value?: unknown; from: string }> =>
  (reply.json as { settings: Record<string, { value?: unknown; from: string }> }).settings
const faults = (reply: { readonly json: unknown }): readonly string[] =>
  (reply.json as { errors?: { path: string; code: string }[] }).errors?.map((fault) => `${fault.path} ${fault.code}`) ??
  []

describe('what holds', () => {
  test('is what the narrowest layer says, and each answer names it', async () => {
    const here = { tenantId: platform.a.id, userId: user.id }
    const theme = async (): Promise<unknown> => {
      const { theme: shown } = settingsOf(await platform.ask(user, 'GET', `${path}/me`))
      expect(await feature.settings.get('theme', here)).toBe(shown!.value)
      return [shown!.value, shown!.from]
    }
    expect(await theme()).toEqual(['light', 'default'])
    expect((await operate({ theme: 'dark' })).status).toBe(200)
    expect(await theme()).toEqual(['dark', 'platform'])
    expect((await platform.ask(admin, 'PATCH', path, { theme: 'light' })).status).toBe(200)
    expect(await theme()).toEqual(['light', 'tenant'])
    expect((await platform.ask(user, 'PATCH', `${path}/me`, { theme: 'dark' })).status).toBe(200)
    expect(await theme()).toEqual(['dark', 'user'])
    expect(settingsOf(await platform.ask(admin, 'GET', `${path}/me`))['theme']).toMatchObject({
      value: 'light',
      from: 'tenant',
    })
    await platform.ask(user, 'PATCH', `${path}/me`, { theme: null })
    expect(await theme()).toEqual(['light', 'tenant'])
    expect(await feature.settings.get('theme', { tenantId: platform.b.id })).toBe('dark')
  })

  test('is known at once to the code of this process, whichever layer said it', async () => {
    const here = { tenantId: platform.a.id, userId: user.id }
    const get = (): Promise<string> => feature.settings.get('theme', here)
    expect(await get()).toBe('light')
    expect((await operate({ theme: 'dark' })).status).toBe(200)
    expect(await get()).toBe('dark')
    expect((await platform.ask(admin, 'PATCH', path, { theme: 'light' })).status).toBe(200)
    expect(await get()).toBe('light')
    expect((await platform.ask(user, 'PATCH', `${path}/me`, { theme: 'dark' })).status).toBe(200)
    expect(await get()).toBe('dark')
  })

  test('is said by whoever may, in a form that the schema takes', async () => {
    expect((await platform.ask(user, 'GET', path)).status).toBe(403)
    expect((await platform.ask(user, 'PATCH', path, { theme: 'dark' })).status).toBe(403)
    expect(Object.keys(settingsOf(await platform.ask(user, 'GET', `${path}/me`)))).toEqual(['theme'])
    const wrong = { theme: 'pink', 'upload.most': 5, nothing: 1, __proto: 1, 'mail.footer': 'x'.repeat(101) }
    expect(faults(await platform.ask(admin, 'PATCH', path, wrong))).toEqual([
      '/theme invalid_value',
      '/upload.most not_settable',
      '/nothing unknown_field',
      '/__proto unknown_field',
      '/mail.footer invalid_value',
    ])
    expect(faults(await platform.ask(user, 'PATCH', `${path}/me`, { 'mail.footer': 'x' }))).toEqual([
      '/mail.footer not_settable',
    ])
    expect((await platform.ask(admin, 'PATCH', path, [])).status).toBe(400)
    expect((await platform.ask(admin, 'PATCH', '/api/v1/admin/settings', {}, { in: null })).status).toBe(403)
    expect(await platform.stored('select key from plinth.settings')).toEqual([])
  })

  test('is not what a layer said before the rules changed', async () => {
    await platform.stored(
      `insert into plinth.settings (tenant_id, kind, key, value) values ($1::uuid, 'setting', 'theme', '"pink"'), ($1::uuid, 'setting', 'upload.most', '900')`,
      [platform.a.id],
    )
    expect(settingsOf(await platform.ask(admin, 'GET', path))['theme']).toMatchObject({
      value: 'light',
      from: 'default',
    })
    expect(await feature.settings.get('upload.most', { tenantId: platform.a.id })).toBe(10)
  })

  test('of one tenant is not of another, and goes with its person', async () => {
    const boss = await platform.person()
    await platform.join(boss, platform.b.id, 'owner')
    await platform.ask(admin, 'PATCH', path, { 'mail.footer': 'of a' })
    expect(
      settingsOf(await platform.ask(boss, 'GET', path, undefined, { in: platform.b.id }))['mail.footer'],
    ).toMatchObject({
      value: 'none',
    })
    await platform.ask(user, 'PATCH', `${path}/me`, { theme: 'dark' })
    await platform.stored('delete from plinth.memberships where user_id = $1::uuid', [user.id])
    expect(await platform.stored('select key from plinth.settings where user_id is not null')).toEqual([])
  })
})

describe('a secret', () => {
  const secret = 'correct horse battery staple'
  const sealed = async (): Promise<string> =>
    String((await platform.stored(`select sealed from plinth.settings where key = 'smtp.password'`))[0]!['sealed'])

  test('is encrypted, and never read back', async () => {
    const answers = [
      await platform.ask(
        admin,
        'PATCH',
        path,
        { 'smtp.password': secret },
        { headers: { 'idempotency-key': 'secret' } },
      ),
      await platform.ask(admin, 'GET', path),
    ]
    for (const reply of answers) {
      expect(settingsOf(reply)['smtp.password']).toEqual({ from: 'tenant', scope: 'tenant', secret: true })
      expect(reply.body).not.toContain(secret)
    }
    expect(JSON.stringify(await platform.stored('select to_jsonb(s) as row from plinth.settings s'))).not.toContain(
      secret,
    )
    expect(await feature.settings.get('smtp.password', { tenantId: platform.a.id })).toBe(secret)
  })

  test('that was copied to another tenant does not open there', async () => {
    await platform.ask(admin, 'PATCH', path, { 'smtp.password': secret })
    await platform.stored(
      `insert into plinth.settings (tenant_id, kind, key, sealed) select $1::uuid, kind, key, sealed from plinth.settings where sealed is not null`,
      [platform.b.id],
    )
    await expect(feature.settings.get('smtp.password', { tenantId: platform.b.id })).rejects.toThrow('does not open')
    const boss = await platform.person()
    await platform.join(boss, platform.b.id, 'owner')
    const shown = await platform.ask(boss, 'GET', path, undefined, { in: platform.b.id })
    expect(settingsOf(shown)['smtp.password']).toMatchObject({ from: 'tenant' })
  })

  test('is encrypted anew under the first key of the ring', async () => {
    await platform.ask(admin, 'PATCH', path, { 'smtp.password': secret })
    await operate({ 'smtp.password': 'of the platform' })
    const before = await sealed()
    const counted = await resealSettings(parts)
    expect(counted).toBe(2)
    expect(await sealed()).not.toBe(before)
    expect(await feature.settings.get('smtp.password', { tenantId: platform.a.id })).toBe(secret)
    const other = keyRingSecrets(parseKeyRing(`n:${randomBytes(32).toString('base64')}`))
    await expect(resealSettings({ ...parts, secrets: other } as Platform)).rejects.toThrow(
      'SECRET_KEYS no longer holds',
    )
    expect(await feature.settings.get('smtp.password', { tenantId: platform.a.id })).toBe(secret)
  })
})

test('a default that does not fit is a fault at start', async () => {
  const wrong = { 'Bad key': { schema: z.string(), default: 5, scope: 'tenant' } } as const
  await expect(
    peoplePlatform({ tenants: { settings: wrong, flags: { 'bad key': { default: true } } } }),
  ).rejects.toMatchObject({
    faults: [
      { path: "tenants.settings['Bad key']" },
      { path: "tenants.settings['Bad key'].default" },
      { path: "tenants.flags['bad key']" },
    ],
  })
})
