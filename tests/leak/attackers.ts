import { createHash, generateKeyPairSync } from 'node:crypto'
import { auth } from '@plinth/auth'
import type { Feature, Route } from '@plinth/core'
import { rbac } from '@plinth/rbac'
import { tenants } from '@plinth/tenants'
import {
  CANARY,
  testJournal,
  type CapturedMail,
  type LeakActor,
  type TestPlatform,
  type TestPlatformOptions,
} from '@plinth/testing'
import { z } from 'zod'
import { bearer, ended, HOST, House, ORIGIN, type Key } from './house.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** Where host names choose a tenant. */
export const hostOf = (slug: string): string => `${slug}.${HOST}`

/**
 * A platform of real identity. Whether an address has an account is told to nobody (`by-mail`), and nobody founds a tenant: there are
 * two, and whatever turns up beside them is a finding.
 */
export function identityOptions(mail: CapturedMail): Omit<TestPlatformOptions, 'resources'> {
  const features: readonly Feature[] = [
    auth({ jwt: { keys: [privateKey] }, registration: 'by-mail' }),
    tenants({
      registration: 'invited',
      subdomains: true,
      settings: {
        'mail.footer': { schema: z.string().max(200), default: '', scope: 'tenant' },
        'mail.password': { schema: z.string().max(200), default: '', scope: 'tenant', secret: true },
        signature: { schema: z.string().max(200), default: '', scope: 'user' },
      },
      flags: { 'new-editor': { default: false } },
    }),
    rbac(),
    testJournal({ listen: () => undefined }),
  ]
  return {
    features,
    plinth: {
      mailer: mail,
      env: {
        ENVIRONMENT: 'test',
        PUBLIC_URL: ORIGIN,
        SECRET_KEYS: `test:${createHash('sha256').update('keys of the leak tests').digest('base64')}`,
      },
    },
  }
}

/** What ends the session, or the standing, of whoever asks for it: one of the attackers alone does that, or the rest of a run were 401. */
const ending = new Set(['logOut', 'endOwnSessions', 'changePassword', 'switchTenant', 'deleteTenant', 'updateTenant'])
const stays = (route: Route): boolean => !ending.has(route.operationId)
const inTenant = (route: Route): boolean => !route.public && route.personal === undefined

/**
 * Signs people up over HTTP, with a confirmed address and an invitation each: of the attacker one in every built-in role; of the
 * victim three, with marked names. And who has, or had, something to do with both.
 */
export async function attackers(platform: TestPlatform, mail: CapturedMail): Promise<readonly LeakActor[]> {
  const { a, b } = platform
  // Where the fuzzer will set it: what expires does not while it runs.
  platform.clock.set('2040-01-31T12:00:00Z')
  const house = new House(platform, mail)
  const owner = await house.signUp('owner')
  await house.join(owner, a, 'owner')
  const lead = await house.logIn(owner, a)
  const people: LeakActor[] = [bearer('owner', lead, stays)]
  for (const role of ['admin', 'developer', 'user', 'read_only'])
    people.push(bearer(role, await house.logIn(await house.invited(lead, role, role), a), stays))

  const colleague = await house.invited(lead, 'colleague', 'user')
  await house.furnish(lead, colleague, 'ours')

  const victim = await house.signUp(`boss.${CANARY}`)
  await house.join(victim, b, 'owner')
  const boss = await house.logIn(victim, b)
  await house.logIn(await house.invited(boss, `admin.${CANARY}`, 'admin'), b)
  const friend = await house.invited(boss, `friend.${CANARY}`, 'user')
  await house.logIn(friend, b)
  await house.furnish(boss, friend, CANARY)

  // The same person in both: in the attacker's tenant he is as much of a stranger to the other one as anybody.
  const both = await house.invited(lead, 'both', 'admin')
  await house.join(both, b, 'admin')
  people.push({ ...bearer('member of both', await house.logIn(both, a), inTenant), tenants: [a.id, a.slug] })
  const suspended = await house.invited(lead, 'suspended', 'admin')
  await house.join(suspended, b, 'admin')
  const removed = await house.invited(lead, 'removed', 'admin')
  await house.join(removed, b, 'admin')
  const last = [await house.logIn(suspended, b), await house.logIn(removed, b)] as const
  await house.must(boss, 'PATCH', `/api/v1/users/${suspended.userId}`, 200, { status: 'suspended' })
  await house.must(boss, 'DELETE', `/api/v1/users/${removed.userId}`, 204)
  const pushing = (actor: LeakActor): LeakActor => ({
    ...actor,
    credential: (method, random) => [
      ...actor.credential(method, random),
      ...(random.chance(0.7) ? [['x-tenant-id', random.pick([b.id, b.slug])] as const] : []),
    ],
  })
  // Who is suspended still reads the name of the tenant that suspended him; its rows are not his to see.
  people.push(pushing(ended('suspended there', last[0], inTenant)))
  people.push(pushing(bearer('suspended there, signed in here', await house.logIn(suspended, a), inTenant)))
  people.push(pushing(ended('removed there', last[1], stays)))
  people.push(pushing(bearer('removed there, signed in here', await house.logIn(removed, a), stays)))

  const superadmin = await house.signUp('superadmin')
  await platform.superuser.query('update plinth.users set superadmin = true where id = $1::uuid', [superadmin.userId])
  // What is his to see are tenants and people, never a tenant's rows.
  people.push(bearer('superadmin', await house.logIn(superadmin), inTenant))
  const browser = await house.invited(lead, 'browser', 'admin')
  people.push(await house.browser('browser', browser, stays))
  const leaver = await house.invited(lead, 'leaver', 'user')
  people.push(
    bearer(
      'leaver',
      await house.logIn(leaver, a),
      (route) => !['deleteTenant', 'updateTenant'].includes(route.operationId),
    ),
  )
  people.push({ name: 'nobody', credential: () => [] })

  const { key } = (await house.must(lead, 'POST', '/api/v1/auth/api-keys', 201, { name: 'Key', role: 'admin' }))
    .json as Key
  people.push({ name: 'key as bearer', routes: stays, credential: () => [['authorization', `Bearer ${key}`]] })
  people.push({ name: 'key in X-API-Key', routes: stays, credential: () => [['x-api-key', key]] })
  const service = await house.service(lead, 'Service', 'developer')
  people.push({ name: 'service', routes: stays, credential: () => [['x-api-key', service]] })
  return people.map((person, at) => (at === 0 ? { ...person, renew: () => house.renewed(lead) } : person))
}
