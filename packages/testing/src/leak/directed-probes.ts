import type { FieldInfo, ResourceInfo } from '@plinth/core'
import type { Send, WireRequest } from '../http/wire.ts'
import type { TestActor } from '../platform/actors.ts'
import { seededRandom } from '../random/seeded-random.ts'
import { CANARY } from '../tenants/marks.ts'
import { rowsOf, type Knowledge } from './knowledge.ts'
import { makeBody } from './make-body.ts'
import type { Probe } from './probe.ts'
import { Words } from './words.ts'

/**
 * One request for each thing that a statement can be about: each operation on a twin and on a row of the victim, each
 * filter, each order, each scope. Where the fuzzer finds by luck, this goes through the list; made for proofs that take one
 * condition away at a time.
 */
export async function directedProbes(knowledge: Knowledge, send: Send): Promise<readonly Probe[]> {
  const probes: Probe[] = []
  for (const resource of knowledge.registry.resources) {
    const maker = new DirectedMaker(knowledge, resource, probes)
    if (resource.operations.list) await maker.lists(send)
    maker.rows()
    maker.writes()
    maker.actions()
    maker.keys()
  }
  return probes
}

class DirectedMaker {
  readonly #knowledge: Knowledge
  readonly #resource: ResourceInfo
  readonly #probes: Probe[]
  readonly #base: string

  constructor(knowledge: Knowledge, resource: ResourceInfo, probes: Probe[]) {
    this.#knowledge = knowledge
    this.#resource = resource
    this.#probes = probes
    this.#base = `/api/v1/${resource.path}`
  }

  async lists(send: Send): Promise<void> {
    const actors = this.#knowledge.attacker.actors
    for (const actor of [actors.full, actors.own, actors.group]) {
      this.#get(actor, '')
      this.#get(actor, '?count=exact&pageSize=100')
    }
    const sortable = this.#resource.fields.filter((field) => field.sort)
    for (const sort of ['', ...sortable.flatMap((field) => [field.key, `-${field.key}`])]) {
      const query = `pageSize=2${sort === '' ? '' : `&sort=${sort}`}`
      const page = await send({ method: 'GET', target: `${this.#base}?${query}`, headers: [bearer(actors.full)] })
      const { nextCursor } = (JSON.parse(page.body) as { page: { nextCursor: string | null } }).page
      this.#get(actors.full, `?${query}`)
      if (nextCursor) this.#get(actors.full, `?${query}&cursor=${nextCursor}`)
    }
    for (const mask of ['id', 'id,version']) this.#get(actors.full, `?fields=${mask}`)
    this.#get(actors.full, '?skip=1&limit=100')
    for (const field of this.#resource.fields.filter((each) => each.filter || each.reference)) this.#filters(actors.full, field)
    if (this.#resource.fields.some((field) => field.search)) this.#get(actors.full, `?search=${CANARY.slice(0, 6)}`)
  }

  /** Each operator with a value that some row of the victim meets. */
  #filters(actor: TestActor, field: FieldInfo): void {
    const own = this.#row('own', 0)
    const value = own.values[field.key]
    if (value !== null && value !== undefined) {
      for (const operator of ['', '[gte]', '[lte]']) this.#get(actor, `?${field.key}${operator}=${encodeURIComponent(String(value))}`)
      this.#get(actor, `?${field.key}[in]=${encodeURIComponent(String(value).replaceAll(',', '\\,'))}`)
    }
    const other = rowsOf(this.#knowledge.attackerRows, this.#resource).find((row) => row.role === 'own')?.values[field.key]
    for (const operator of ['[ne]', '[gt]', '[lt]']) {
      if (other !== null && other !== undefined) this.#get(actor, `?${field.key}${operator}=${encodeURIComponent(String(other))}`)
    }
    if (field.kind.name === 'text' && !field.column.enumValues) this.#get(actor, `?${field.key}[contains]=${CANARY.slice(0, 6)}`)
    this.#get(actor, `?${field.key}[isNull]=false`)
    // A column that is NOT NULL has no row to show.
    if (!field.notNull) this.#get(actor, `?${field.key}[isNull]=true`)
  }

  rows(): void {
    if (!this.#resource.operations.read) return
    for (const { actor, id, words } of this.#targets()) {
      this.#add(actor, { method: 'GET', target: `${this.#base}/${id}`, headers: [] }, words)
      this.#add(actor, { method: 'GET', target: `${this.#base}/${id}?fields=id`, headers: [] }, words)
    }
  }

  writes(): void {
    const { operations } = this.#resource
    for (const { actor, id, words } of this.#targets()) {
      const target = `${this.#base}/${id}`
      if (operations.update) {
        for (const body of this.#patches()) {
          this.#add(actor, json('PATCH', target, body), words)
          // Not a version of ours: what is found decides between 412 and 404.
          this.#add(actor, withIfMatch(json('PATCH', target, body)), words)
        }
        for (const field of ownFields(this.#resource)) this.#add(actor, json('PATCH', target, { [field.key]: this.#draftValue(field) }), words)
        this.#add(actor, json('PUT', target, this.#draft()), words)
      }
      if (operations.delete) {
        this.#add(actor, { method: 'DELETE', target, headers: [] }, words)
        this.#add(actor, withIfMatch({ method: 'DELETE', target, headers: [] }), words)
      }
    }
    if (operations.create) this.#add(this.#knowledge.attacker.actors.full, json('POST', this.#base, this.#draft()), this.#words())
  }

  actions(): void {
    for (const action of this.#resource.actions) {
      const path = `/api/v1/${this.#resource.path}/:id/${action.name}`
      for (const { actor, id, words } of this.#targets()) {
        const target = path.replace(':id', id)
        if (action.readOnly) this.#add(actor, { method: 'GET', target, headers: [] }, words)
        else if (!action.input) this.#add(actor, { method: 'POST', target, headers: [] }, words)
        for (const references of action.input ? (['twins', 'foreign'] as const) : []) {
          const inner = this.#words(words)
          const route = { resource: this.#resource, verb: action.name, method: 'POST', body: { schema: action.input! } }
          this.#add(actor, { method: 'POST', target, headers: [jsonType], body: makeBody(inner, route as never, references, 'plain') }, inner)
        }
      }
    }
  }

  /** The victim's keys, used by the same person in the other tenant: live ones, and ones that have run out. */
  keys(): void {
    const { shared } = this.#knowledge.attacker.actors
    for (const { resource, key, request } of this.#knowledge.keyed) {
      if (resource !== this.#resource) continue
      const expired: WireRequest = { ...request, headers: request.headers.map(([name, value]) => [name, value === key ? `expired-${key}` : value] as const) }
      this.#add(shared, request, this.#words())
      this.#add(shared, expired, this.#words())
    }
  }

  /** Twins and the victim's rows, each for the actors whose scope reaches it. */
  *#targets(): Generator<{ actor: TestActor; id: string; words: Words }> {
    const { full, own, group, writer } = this.#knowledge.attacker.actors
    const twin = (place: number): string => this.#row('twin', place).id
    const foreign = (place: number, words: Words): string => words.foreignUuid(this.#row('own', place).id)
    for (const [actor, place] of [[full, 0], [full, 2], [own, 0], [group, 1], [writer, 2]] as const) yield { actor, id: twin(place), words: this.#words() }
    for (const [actor, place] of [[full, 0], [full, 1], [own, 1], [group, 2], [writer, 0]] as const) {
      const words = this.#words()
      yield { actor, id: foreign(place, words), words }
    }
  }

  *#patches(): Generator<Record<string, unknown>> {
    yield {}
    // An object into a json column, and a field that cannot change: both need the row first.
    const nested = this.#resource.fields.find((field) => field.kind.name === 'json')
    if (nested) yield { [nested.key]: { added: 'word' } }
    const fixed = this.#resource.fields.find((field) => field.immutable)
    if (fixed) yield { [fixed.key]: this.#draftValue(fixed) }
  }

  #draft(): Record<string, unknown> {
    return Object.fromEntries(ownFields(this.#resource).map((field) => [field.key, this.#draftValue(field)]))
  }

  #draftValue(field: FieldInfo): unknown {
    const words = this.#words()
    const parent = words.parentOf(field)
    if (parent) return rowsOf(this.#knowledge.attackerRows, parent).find((row) => row.role === 'twin')?.id
    const text = words.usualValue(field)
    return field.kind.name === 'json' ? JSON.parse(text) : ['text', 'uuid', 'time', 'timeText', 'date', 'clock', 'decimal', 'bigText'].includes(field.kind.name) ? text : JSON.parse(text)
  }

  #row(role: 'twin' | 'own', place: number): ReturnType<typeof rowsOf>[number] {
    const rows = rowsOf(this.#knowledge.victimRows, this.#resource).filter((row) => row.role === role)
    return rows[place % rows.length]!
  }

  #get(actor: TestActor, query: string): void {
    this.#add(actor, { method: 'GET', target: this.#base + query, headers: [] }, this.#words())
  }

  #words(begun?: Words): Words {
    const words = new Words(seededRandom(`directed/${this.#resource.name}/${this.#probes.length}`), this.#knowledge)
    words.pairs.push(...(begun?.pairs ?? []))
    return words
  }

  #add(actor: TestActor, request: WireRequest, words: Words): void {
    this.#probes.push({
      number: this.#probes.length, actor, pairs: words.pairs,
      route: `${request.method} ${this.#base}`,
      request: { ...request, headers: [bearer(actor), ...request.headers] },
    })
  }
}

const jsonType = ['content-type', 'application/json'] as const

function bearer(actor: TestActor): readonly [string, string] {
  return ['authorization', `Bearer ${actor.token}`]
}

function json(method: string, target: string, body: unknown): WireRequest {
  return { method, target, headers: [jsonType], body: JSON.stringify(body) }
}

function withIfMatch(request: WireRequest): WireRequest {
  return { ...request, headers: [...request.headers, ['if-match', '"719700-000000"']] }
}

function ownFields(resource: ResourceInfo): readonly FieldInfo[] {
  return resource.fields.filter((field) => !field.platform && !field.hidden)
}
