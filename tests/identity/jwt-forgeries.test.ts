import { generateKeyPairSync } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import type { Route } from '@plinth/core'
import { forgeries } from '../../packages/features/auth/tests/forgeries/forgeries.ts'
import { ES256, openIdentity, type Identity } from './open-identity.ts'

const opened: Identity[] = []
afterAll(async () => {
  for (const platform of opened) await platform.close()
})

const keys = {
  ES256,
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  EdDSA: generateKeyPairSync('ed25519').privateKey,
} as const

/** What no header can hold is refused by the client; the server never sees it. */
const sendable = (parts: Parameters<typeof forgeries>[0]): ReturnType<typeof forgeries> =>
  forgeries(parts).filter(({ token }) => /^[\x21-\x7e]+$/.test(token))

/** A path of the route with parameters that look right. */
const concrete = (route: Route): string => route.path.replaceAll(/:[a-zA-Z]+/g, '01941f29-7c00-7aaa-8bbb-0123456789ab')

test.each(['ES256', 'RS256', 'EdDSA'] as const)(
  'no forgery of a %s token opens any route, and none breaks one',
  async (algorithm) => {
    const platform = await openIdentity({ key: keys[algorithm] })
    opened.push(platform)
    const person = await platform.signUp()
    const forged = sendable({
      token: person.accessToken,
      privateKey: keys[algorithm],
      now: Math.floor(platform.clock.now().getTime() / 1000),
      others: { refresh: person.refreshToken },
    })
    expect(forged.length).toBeGreaterThanOrEqual(400)
    const routes = platform.plinth.routes.filter((route) => !route.public)
    expect(routes.length).toBeGreaterThan(60)
    const wrong: string[] = []
    // Every forgery at a few routes, and every route with a few forgeries, so that each meets each kind: all with all for one.
    const whole = algorithm === 'ES256'
    for (const [at, route] of routes.entries()) {
      const shown = whole ? forged : forged.filter((_, index) => (index + at) % 8 === 0)
      const replies = await Promise.all(
        shown.map(({ token }) =>
          platform.call(route.method, concrete(route), route.body ? {} : undefined, {
            authorization: `Bearer ${token}`,
          }),
        ),
      )
      for (const [index, reply] of replies.entries())
        // What is longer than headers may be is measured before it is read.
        if (reply.status !== (shown[index]!.token.length > 32_000 ? 431 : 401))
          wrong.push(`${route.method} ${route.path}: ${shown[index]!.name} → ${reply.status}`)
    }
    expect(wrong).toEqual([])
    // The real one still opens what it should.
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, person.bearer)).status).toBe(200)
  },
  300_000,
)
