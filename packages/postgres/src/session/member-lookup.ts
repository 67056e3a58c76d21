import { FreshLookup, type Member } from '@plinth/core'
import { arrayLiteral } from '../statements/quote.ts'
import type { Ask } from './ask.ts'

const findText =
  'select w.tenant, w.member, f.status, f.groups, f.roles' +
  ' from unnest($1::text::uuid[], $2::text::uuid[]) w(tenant, member)' +
  ' cross join lateral plinth.find_member(w.tenant, w.member) f'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** What a user is in a tenant: asked by every request of his, and so kept for a second. */
export class MemberLookup {
  readonly #kept: FreshLookup<Member>

  constructor(ask: Ask) {
    this.#kept = new FreshLookup({
      ask: async (keys) => {
        const pairs = keys.map((key) => key.split(' '))
        const rows = await ask(
          findText,
          [0, 1].map((part) => arrayLiteral(pairs.map((pair) => pair[part]!))),
        )
        return new Map(
          rows.map((row) => [
            `${String(row['tenant'])} ${String(row['member'])}`,
            {
              status: row['status'] === 'active' ? 'active' : 'suspended',
              groupIds: row['groups'] as readonly string[],
              roles: row['roles'] as readonly string[],
            },
          ]),
        )
      },
    })
  }

  find(tenantId: string, userId: string): Promise<Member | undefined> {
    const [tenant, user] = [tenantId.toLowerCase(), userId.toLowerCase()]
    if (!uuid.test(tenant) || !uuid.test(user)) return Promise.resolve(undefined)
    return this.#kept.find(`${tenant} ${user}`)
  }

  forget(): void {
    this.#kept.forget()
  }
}
