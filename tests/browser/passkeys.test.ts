import { createHash, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { auth } from '@plinth/auth'
import { rbac } from '@plinth/rbac'
import { tenants } from '@plinth/tenants'
import { capturedMail, depot, fetchListener, testPlatform, type TestPlatform } from '@plinth/testing'
import { createServer as createHttpServer, type Server } from 'node:http'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBrowser, watchedPage } from './open-browser.ts'

const password = 'a rather long pass phrase'

/** A port that is free now: passkeys are bound to an origin, which has to be known before anything is served. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

describe('a passkey in a real browser', () => {
  let platform: TestPlatform
  let server: Server
  let browser: Browser
  let origin: string
  beforeAll(async () => {
    const port = await freePort()
    origin = `http://localhost:${port}`
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    platform = await testPlatform({
      resources: depot,
      features: [auth({ jwt: { keys: [privateKey] } }), tenants(), rbac()],
      plinth: {
        mailer: capturedMail(),
        env: {
          ENVIRONMENT: 'test',
          PUBLIC_URL: origin,
          SECRET_KEYS: `test:${createHash('sha256').update('keys of a browser test').digest('base64')}`,
        },
      },
    })
    const listener = fetchListener(platform.plinth.fetch)
    server = createHttpServer((incoming, outgoing) => void listener(incoming, outgoing))
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
    await platform?.close()
  })

  test.each([
    ['ctap2', 'internal'],
    ['ctap2', 'usb'],
  ] as const)(
    'is made, signs in by the button of the page, and is both factors (%s, %s)',
    async (protocol, transport) => {
      const { page, faults } = await watchedPage(browser, origin)
      await authenticator(page, protocol, transport)
      const email = `person-${transport}@example.com`
      await page.goto(`${origin}/login`)
      const registered = await page.evaluate(makePasskey(email))
      expect(registered).toMatchObject({ status: 201, body: { kind: 'passkey' } })

      await page.goto(`${origin}/login?next=/api/v1/auth/me`)
      await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
      await page.waitForURL(`${origin}/api/v1/auth/me`)
      const me = JSON.parse(await page.locator('body').innerText()) as {
        user: { email: string }
        secondFactor: boolean
      }
      expect([me.user.email, me.secondFactor]).toEqual([email, true])
      expect(faults).toEqual([])
      await page.close()
    },
  )

  test('that does not know its user is not taken, and the page says so', async () => {
    const { page } = await watchedPage(browser, origin)
    const { session, id } = await authenticator(page, 'ctap2', 'internal')
    await page.goto(`${origin}/login`)
    await page.evaluate(makePasskey('unsure@example.com'))
    await session.send('WebAuthn.setUserVerified', { authenticatorId: id, isUserVerified: false })
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await expect.poll(() => page.locator('[role=status]').innerText()).toBe('No passkey was shown.')
    await page.close()
  })
})

interface Virtual {
  readonly session: CDPSession
  readonly id: string
}

async function authenticator(page: Page, protocol: 'ctap2', transport: 'internal' | 'usb'): Promise<Virtual> {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol,
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return { session, id: authenticatorId }
}

/** Runs in the page: an account, and a passkey for it. A text, since this program knows no DOM. */
const makePasskey = (email: string): string => `(async () => {
  const post = async (path, body, token) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: 'Bearer ' + token }) }
    const answer = await fetch('/api/v1/auth/' + path, { method: 'POST', headers, body: JSON.stringify(body), credentials: 'omit' })
    return { status: answer.status, body: await answer.json() }
  }
  const { body } = await post('register', { email: '${email}', password: '${password}', organizationName: '${email}' })
  const asked = await post('passkeys/register/options', {}, body.access_token)
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.body.publicKey)
  const credential = await navigator.credentials.create({ publicKey })
  return post('passkeys/register/verify', { ceremony: asked.body.ceremony, credential }, body.access_token)
})()`
