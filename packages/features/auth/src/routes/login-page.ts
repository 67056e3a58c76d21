import {
  auditRefusal,
  cookieName,
  csrfToken,
  hashToken,
  jsonAnswer,
  PlinthError,
  problem,
  readCookie,
  refuseForgery,
  SESSION_COOKIE,
  sessionCookie,
  setCookie,
  validate,
  wantsJson,
  type Answer,
  type FeatureParts,
  type PublicCall,
  type PublicRoute,
  type SystemTransaction,
} from '@plinth/core'
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { endSessions } from '../sessions/end-session.ts'
import { shownInForm, signInByForm } from '../sign-in/sign-in-by-form.ts'
import { loginForm, page } from './login-form.ts'
import { noStore } from './route-facts.ts'

/** Before there is a session its CSRF token is bound to a cookie of its own. */
const BEFORE_LOGIN = 'before_login'
const PATH = '/login'

const input = shownInForm.extend({
  next: z.string().max(2000).optional(),
  csrf_token: z.string().max(200).optional(),
})

/**
 * `GET` and `POST /login`: the one place where a cookie is given out. Browsers post the form; programs that keep a cookie send JSON
 * with `Accept: application/json` and the token in X-CSRF-Token.
 */
export function loginPage(auth: () => Auth, { root }: FeatureParts): readonly PublicRoute[] {
  // Where the host has pages of its own at the root, /login may be one of them.
  if (!root) return []
  const common = { public: true, stored: true, origin: 'platform', tag: 'auth', unlisted: true, path: PATH } as const
  return [
    {
      ...common,
      method: 'GET',
      operationId: 'loginPage',
      summary: 'The page to sign in',
      errors: [],
      answers: [{ status: 200, description: 'A form', contentType: 'text/html' }],
      handle: (call) => show(auth(), call, 200),
    },
    {
      ...common,
      method: 'POST',
      operationId: 'logInByCookie',
      summary: 'Sign in with a session in a cookie',
      body: { schema: input, form: true },
      errors: [
        'csrf_failed',
        'invalid_credentials',
        'invalid_code',
        'passkey_refused',
        'passkey_needs_password',
        'rate_limited',
      ],
      answers: [{ status: 303, description: 'Signed in' }],
      handle: (call) => signIn(auth(), call),
    },
  ]
}

/** What a form that was not taken shows again: never the password. */
interface Said {
  readonly identifier: string | undefined
  readonly next: string | undefined
  readonly message: string
}

function show(auth: Auth, call: PublicCall, status: number, said: Partial<Said> = {}): Answer {
  const known = readCookie(call.headers.cookie, cookieName(BEFORE_LOGIN, call.client.secure))
  const before = known !== undefined && /^[\w-]{43}$/.test(known) ? known : randomBytes(32).toString('base64url')
  const token = csrfToken(auth.platform, before)
  const next = localPath(new URLSearchParams(call.search).get('next') ?? undefined, auth.platform.basePath)
  const cookies = [setCookie(BEFORE_LOGIN, before, { secure: call.client.secure })]
  if (wantsJson(call.headers.accept))
    return { ...jsonAnswer(status, JSON.stringify({ csrf_token: token }), noStore), cookies }
  const passkeys = auth.relyingParty && `${auth.platform.basePath}/api/v1/auth/passkeys/login/options`
  const body = loginForm({
    title: auth.platform.title,
    action: `${auth.platform.basePath}${PATH}`,
    token,
    next: next ?? localPath(said.next, auth.platform.basePath),
    identifier: said.identifier,
    message: said.message,
    passkeys,
  })
  return { ...page(status, auth.platform.title, body, passkeys !== undefined), cookies }
}

async function signIn(auth: Auth, call: PublicCall): Promise<Answer> {
  const { client, headers } = call
  const before = readCookie(headers.cookie, cookieName(BEFORE_LOGIN, client.secure))
  const given = validate(input, call.body)
  if (before === undefined) throw problem('csrf_failed', { detail: 'The cookie of the page to sign in is missing.' })
  refuseForgery(auth.platform, { method: 'POST', headers, client }, before, given.csrf_token)
  try {
    return await enter(auth, call, given)
  } catch (error) {
    const expected = PlinthError.is(error) && (error.status === 401 || error.status === 429)
    if (!expected || wantsJson(headers.accept)) throw error
    // A page and no error: nobody else tells of it.
    auditRefusal(call, { action: 'auth.signIn' }, error)
    const { identifier, next } = given
    return show(auth, call, error.status, { identifier, next, message: error.title })
  }
}

async function enter(auth: Auth, call: PublicCall, given: z.output<typeof input>): Promise<Answer> {
  const { client, headers } = call
  const old = sessionCookie(headers.cookie, client.secure)
  const { session } = await signInByForm(auth, given, call, async (system) => {
    // Whatever was in the cookie before this sign-in ends: it may have been planted.
    if (old !== undefined) await endByCookie(auth, system, old)
  })
  auth.sessions.forget()
  const { secret, lifetime } = session
  const cookies = [
    setCookie(SESSION_COOKIE, secret, { secure: client.secure, maxAge: lifetime }),
    setCookie(BEFORE_LOGIN, '', { secure: client.secure, maxAge: 0 }),
  ]
  const token = csrfToken(auth.platform, secret)
  if (wantsJson(headers.accept)) return { ...jsonAnswer(200, JSON.stringify({ csrf_token: token }), noStore), cookies }
  const location = localPath(given.next, auth.platform.basePath) ?? `${auth.platform.basePath}/`
  return { status: 303, headers: { location, ...noStore }, body: null, cookies }
}

async function endByCookie(auth: Auth, system: SystemTransaction, cookie: string): Promise<void> {
  const session = await auth.sessions.byHash(hashToken(cookie))
  if (session) await endSessions(auth, system, { userId: session.userId, id: session.id, by: 'signed in anew' })
}

/**
 * A path of this service to go on to, or undefined. Absolute addresses, `//host`, `/\host` and whatever a browser makes a host of are
 * none: an open redirect after a sign-in is a phishing page with our name in front.
 */
export function localPath(text: string | undefined, basePath: string): string | undefined {
  if (text === undefined || !/^\/(?![/\\])[^\\\s\p{Cc}]*$/u.test(text)) return undefined
  const url = new URL(text, 'http://own.invalid')
  if (url.host !== 'own.invalid' || !url.pathname.startsWith(`${basePath}/`)) return undefined
  // `/.//host` is a path to the parser, and what it makes of it is a host to the browser.
  if (url.pathname.startsWith('//')) return undefined
  return `${url.pathname}${url.search}`
}
