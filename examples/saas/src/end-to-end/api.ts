/** An answer of the API, its body read. */
export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

/** Asks the API of a running Lookout, in the name of one credential. */
export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<ApiAnswer>

/** @param token an access token or an API key; empty for nobody */
export function asker(origin: string, token: string): Ask {
  return async (method, path, body, headers = {}) => {
    const answer = await fetch(`${origin}/api/v1${path}`, {
      method,
      headers: {
        ...(token !== '' && { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      headers: answer.headers,
      body: text === '' ? {} : (JSON.parse(text) as ApiAnswer['body']),
    }
  }
}

/** Somebody with an account: what he asks is asked in his name. */
export interface Person {
  readonly email: string
  readonly password: string
  readonly userId: string
  readonly token: string
  readonly ask: Ask
}

/** Makes an account: founds an agency, or joins the one that invited. */
export async function signUp(
  origin: string,
  draft: {
    readonly email: string
    readonly password: string
    readonly organizationName?: string
    readonly invitationToken?: string
  },
): Promise<Person> {
  const { status, body } = await asker(origin, '')('POST', '/auth/register', draft)
  if (status !== 201) throw new Error(`${draft.email} cannot register: ${JSON.stringify(body)}`)
  const { id } = body['user'] as { readonly id: string }
  const token = String(body['access_token'])
  return { email: draft.email, password: draft.password, userId: id, token, ask: asker(origin, token) }
}

/** The same person with a new session. */
export async function signIn(origin: string, person: Person): Promise<Person> {
  const { email, password } = person
  const { status, body } = await asker(origin, '')('POST', '/auth/login', { email, password })
  const token = body['access_token']
  if (status !== 200 || typeof token !== 'string') throw new Error(`${email} cannot sign in: ${JSON.stringify(body)}`)
  return { ...person, token, ask: asker(origin, token) }
}
