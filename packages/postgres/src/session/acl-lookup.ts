import { FreshLookup, type AclSaying } from '@plinth/core'
import { arrayLiteral } from '../statements/quote.ts'
import type { Ask } from './ask.ts'

const findText =
  'select w.place, f.said' +
  ' from unnest($1::text::uuid[], $2::text::text[]) with ordinality w(tenant, subjects, place)' +
  ' cross join lateral plinth.find_acl(w.tenant, w.subjects::text[]) f'

type Said = readonly [
  subject: string,
  model: string,
  action: string,
  effect: AclSaying['effect'],
  everything: boolean,
  many: boolean,
]

/** What the ACL says of whoever asks, in summary: asked by every request of a tenant that keeps entries, and so kept for a second. */
export class AclLookup {
  readonly #kept: FreshLookup<readonly AclSaying[]>

  constructor(ask: Ask) {
    this.#kept = new FreshLookup({
      ask: async (keys) => {
        const pairs = keys.map((key) => [key.slice(0, 36), key.slice(37)] as const)
        const rows = await ask(
          findText,
          [0, 1].map((part) => arrayLiteral(pairs.map((pair) => pair[part]!))),
        )
        return new Map(rows.map((row) => [keys[Number(row['place']) - 1]!, sayings(String(row['said']))]))
      },
    })
  }

  /** @param subjects in one order, whoever asks: they are the key */
  find(tenantId: string, subjects: readonly string[]): Promise<readonly AclSaying[] | undefined> {
    if (subjects.length === 0) return Promise.resolve(undefined)
    return this.#kept.find(`${tenantId.toLowerCase()} ${arrayLiteral(subjects)}`)
  }

  forget(): void {
    this.#kept.forget()
  }
}

function sayings(text: string): readonly AclSaying[] {
  return (JSON.parse(text) as readonly Said[]).map(([subject, model, action, effect, everything, many]) => ({
    subject,
    model,
    action,
    effect,
    everything,
    many,
  }))
}
