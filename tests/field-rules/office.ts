import { buildPermissionSet, type Context, type Feature, type Principal, type Registry } from '@plinth/core'
import { testJournal, testPlatform, type TestPlatform, type TestPlatformOptions, type TestReply } from '@plinth/testing'
import { randomUUID } from 'node:crypto'
import { models, staff } from './staff-tables.ts'

/** Everything that may be done with rows, and nothing with restricted fields. */
export const allRows: readonly string[] = models.map((model) => `${model}:*`)

/** Somebody whose rights a test may change while he is signed in. */
export interface Clerk {
  readonly id: string
  readonly token: string
  permissions: readonly string[]
  groupIds: readonly string[]
}

export interface Office {
  readonly platform: TestPlatform
  clerk(permissions: readonly string[], groupIds?: readonly string[]): Clerk
  ask(
    who: Clerk,
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<TestReply>
  /** Creates a row and gives its id. */
  make(who: Clerk, path: string, body: unknown): Promise<string>
  as<T>(who: Clerk, work: (ctx: Context) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** A platform of the staff, whose people have whatever rights a test gives them. */
export async function openOffice(options: Partial<TestPlatformOptions> = {}): Promise<Office> {
  const clerks = new Map<string, Clerk>()
  let registry: Registry | undefined
  const principalOf = (clerk: Clerk, tenant: string | null): Principal => {
    const { set, unknown } = buildPermissionSet(registry!.permissions, clerk.permissions)
    if (unknown.length > 0) throw new Error(`there is no permission ${unknown.join(', ')}`)
    const { id, groupIds } = clerk
    return { kind: 'user', id, name: 'clerk', userId: id, groupIds, tenant, permissions: set }
  }
  const people: Feature = {
    name: 'test-clerks',
    verify(known) {
      registry = known
      return []
    },
    slots: {
      auth: [
        {
          kinds: ['bearer'],
          read: ({ value }) => {
            const clerk = clerks.get(value)
            return clerk && principalOf(clerk, 'acme-agency')
          },
        },
      ],
    },
  }
  const { features = [], ...rest } = options
  const platform = await testPlatform({ resources: staff, ...rest, features: [testJournal(), people, ...features] })
  const ask: Office['ask'] = (who, method, path, body, headers = {}) =>
    platform.request(undefined, method, path.startsWith('/') ? path : `/api/v1/${path}`, body, {
      authorization: `Bearer ${who.token}`,
      ...headers,
    })
  return {
    platform,
    clerk(permissions, groupIds = []) {
      const id = randomUUID()
      const clerk: Clerk = { id, token: `clerk-${id}`, permissions, groupIds }
      clerks.set(clerk.token, clerk)
      return clerk
    },
    ask,
    async make(who, path, body) {
      const reply = await ask(who, 'POST', path, body)
      if (reply.status !== 201) throw new Error(reply.body)
      return (reply.json as { readonly id: string }).id
    },
    as: (who, work) => platform.plinth.as(principalOf(who, 'acme-agency'), 'acme-agency', work),
    close: () => platform.close(),
  }
}

export function outcome(reply: TestReply): string {
  const { code, errors = [] } = (reply.json ?? {}) as {
    readonly code?: string
    readonly errors?: readonly { readonly path: string; readonly code: string }[]
  }
  return [reply.status, code, ...errors.map((fault) => `${fault.path} ${fault.code}`)].filter(Boolean).join(' ')
}

export function rowOf(reply: TestReply): Readonly<Record<string, unknown>> {
  return reply.json as Readonly<Record<string, unknown>>
}

export function dataOf(reply: TestReply): readonly Readonly<Record<string, unknown>>[] {
  return (reply.json as { readonly data: readonly Readonly<Record<string, unknown>>[] }).data
}
