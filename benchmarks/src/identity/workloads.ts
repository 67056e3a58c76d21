import { asked, writing } from '../database/tenants.ts'
import type { PlannedRequest } from '../load/messages.ts'
import { draft, type Workload } from '../workloads.ts'
import { PUBLIC_URL } from './identity-platform.ts'
import type { SignedIn } from './people.ts'

/** A route of the host's own that does nothing but ask who it is. */
export const CHECK = '/check'
const projects = '/api/v1/projects'

export interface IdentityWorkload extends Workload {
  /** Which server it is sent to. */
  readonly server: string
  /** CPU µs of server and PostgreSQL per request; undefined where there is nothing to reach. */
  readonly goal?: number
}

type Credential = Pick<PlannedRequest, 'token' | 'headers'>
const bearer = ({ token }: SignedIn): Credential => ({ token })
const cookie = ({ cookie: value }: SignedIn): Credential => ({ token: undefined, headers: { Cookie: value } })
const apiKey = ({ apiKey: key }: SignedIn): Credential => ({ token: undefined, headers: { 'X-API-Key': key } })
const unsafeCookie = (person: SignedIn): Credential => ({
  token: undefined,
  headers: { Cookie: person.cookie, Origin: PUBLIC_URL, 'X-CSRF-Token': person.csrf },
})

/** What is measured: the checks alone beside Better Auth's, then reads, pages and creates of real people under roles and limits. */
export function identityWorkloads(
  people: readonly SignedIn[],
  ids: ReadonlyMap<string, readonly string[]>,
  others: Readonly<Record<string, readonly string[]>>,
): readonly IdentityWorkload[] {
  const fixed =
    (requests: readonly PlannedRequest[]): Workload['plan'] =>
    () =>
      Promise.resolve({ kind: 'fixed', requests })
  const readers = people.filter(({ slug }) => (asked as readonly string[]).includes(slug))
  const writers = people.filter(({ slug }) => slug === writing)
  const check = (title: string, credential: (person: SignedIn) => Credential, goal: number): IdentityWorkload => ({
    name: 'w1',
    server: 'plinth',
    title,
    writes: false,
    goal,
    plan: fixed(readers.map((person) => ({ method: 'GET', path: CHECK, ...credential(person) }))),
  })
  const peers = Object.entries(others).map(([server, cookies]): IdentityWorkload => ({
    name: 'w1',
    server,
    title: server,
    writes: false,
    plan: fixed(cookies.map((value) => ({ method: 'GET', path: CHECK, token: undefined, headers: { Cookie: value } }))),
  }))
  const read = (title: string, credential: (person: SignedIn) => Credential): IdentityWorkload => ({
    name: 'w1',
    server: 'plinth',
    title,
    writes: false,
    goal: 200,
    plan: fixed(
      Array.from({ length: 2_000 }, (_, at): PlannedRequest => {
        const person = readers[at % readers.length]!
        const own = ids.get(person.slug)!
        return { method: 'GET', path: `${projects}/${own[(at * 7_919) % own.length]!}`, ...credential(person) }
      }),
    ),
  })
  const create = (title: string, credential: (person: SignedIn) => Credential): IdentityWorkload => ({
    name: 'w3',
    server: 'plinth',
    title,
    writes: true,
    goal: 280,
    plan: fixed(
      Array.from({ length: 64 }, (_, at): PlannedRequest => ({
        method: 'POST',
        path: projects,
        body: JSON.stringify(draft(at)),
        ...credential(writers[at % writers.length]!),
      })),
    ),
  })
  return [
    check('W4 session check, cookie', cookie, 130),
    check('W4 session check, access token', bearer, 130),
    check('API key check', apiKey, 130),
    ...peers,
    read('W1 read one, cookie', cookie),
    read('W1 read one, access token', bearer),
    {
      name: 'w2-first',
      server: 'plinth',
      title: 'W2 page of 20, access token',
      writes: false,
      goal: 350,
      plan: fixed(readers.map((person) => ({ method: 'GET', path: projects, ...bearer(person) }))),
    },
    create('W3 create, cookie and CSRF token', unsafeCookie),
    create('W3 create, access token', bearer),
  ]
}
