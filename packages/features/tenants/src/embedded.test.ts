import { type Platform } from '@plinth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { peoplePlatform, type PeoplePlatform } from '../tests/people-platform.ts'
import { purgeCommand } from './lifecycle/purge-tenants.ts'

let platform: PeoplePlatform
let parts: Platform
beforeAll(async () => {
  platform = await peoplePlatform({
    kind: 'pglite',
    tenants: { settings: { theme: { schema: z.string(), default: 'light', scope: 'user' } } },
    features: [{ name: 'spy', start: (started) => void (parts = started) }],
  })
}, 120_000)
afterAll(() => platform.close())

test('inside the process it is the same: found, invite, join, say, end', async () => {
  const [owner, guest] = [await platform.person(), await platform.person()]
  const founded = await platform.ask(owner, 'POST', '/api/v1/tenants', { name: 'Small' }, { in: null })
  expect(founded.status, founded.body).toBe(201)
  const { id } = founded.json as { id: string }
  const inIt = { in: id }
  expect((await platform.ask(owner, 'POST', '/api/v1/invitations', { email: guest.email }, inIt)).status).toBe(201)
  await platform.mail.waitFor(guest.email)
  const [, invitation, token] = /invitations\/([^/]+)\/accept#token=(.+)$/.exec(platform.mail.linkTo(guest.email))!
  const path = `/api/v1/invitations/${invitation!}/accept`
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => platform.ask(guest, 'POST', path, { token }, { in: null })),
  )
  expect(answers.filter((reply) => reply.status === 200)).toHaveLength(1)
  const mine = await platform.ask(guest, 'PATCH', '/api/v1/settings/me', { theme: 'dark' }, inIt)
  expect(mine.json).toMatchObject({ settings: { theme: { value: 'dark', from: 'user' } } })
  expect((await platform.ask(owner, 'DELETE', `/api/v1/users/${guest.id}`, undefined, inIt)).status).toBe(204)
  expect((await platform.ask(owner, 'DELETE', `/api/v1/tenants/${id}`, undefined, { in: null })).status).toBe(204)
  platform.clock.advance(31 * 86_400_000)
  await purgeCommand.run(parts, {}, { note: () => undefined, ask: () => Promise.resolve(undefined) })
  expect(await platform.stored('select id from plinth.tenants where id = $1::uuid', [id])).toEqual([])
})
