import { linksOf, relationsOf, writableFields, type FieldInfo, type ResourceInfo } from '@plinth/core'
import type { Send, WireRequest } from '../http/wire.ts'
import type { TestActor } from '../platform/actors.ts'
import { withToken } from './leak-actor.ts'
import { seededRandom } from '../random/seeded-random.ts'
import { CANARY, valueText } from '../tenants/marks.ts'
import type { SeededRow } from '../tenants/seed-rows.ts'
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
      const order = sort === '' ? '' : `&sort=${sort}`
      const page = await send({
        method: 'GET',
        target: `${this.#base}?pageSize=1${order}`,
        headers: [bearer(actors.full)],
      })
      const { nextCursor } = (JSON.parse(page.body) as { page: { nextCursor: string | null } }).page
      this.#get(actors.full, `?pageSize=100${order}`)
      // All that comes after the first row: some of it would be the victim's.
      if (nextCursor) this.#get(actors.full, `?pageSize=100${order}&cursor=${nextCursor}`)
    }
    for (const mask of ['id', 'id,version']) this.#get(actors.full, `?fields=${mask}`)
    this.#get(actors.full, '?skip=1&limit=100')
    for (const actor of [actors.full, actors.own, actors.group])
      for (const format of ['csv', 'ndjson&fields=id']) this.#get(actor, `?format=${format}`)
    for (const actor of [actors.full, actors.own, actors.group])
      for (const name of this.#relations()) this.#get(actor, `?pageSize=100&include=${name}`)
    for (const field of this.#resource.fields.filter((each) => each.filter || each.reference))
      this.#filters(actors.full, field)
    if (this.#resource.fields.some((field) => field.search)) this.#get(actors.full, `?search=${CANARY.slice(0, 6)}`)
  }

  /** Each operator with a value that some row of the victim meets. */
  #filters(actor: TestActor, field: FieldInfo): void {
    const own = this.#row('own', 0)
    const value = own.values[field.key]
    if (value !== null && value !== undefined) {
      for (const operator of ['', '[gte]', '[lte]'])
        this.#get(actor, `?${field.key}${operator}=${encodeURIComponent(valueText(value))}`)
      this.#get(actor, `?${field.key}[in]=${encodeURIComponent(valueText(value).replaceAll(',', '\\,'))}`)
    }
    const other = rowsOf(this.#knowledge.attackerRows, this.#resource).find((row) => row.role === 'own')?.values[
      field.key
    ]
    const words = [...(field.column.enumValues ?? [])].sort()
    for (const operator of ['[ne]', '[gt]', '[lt]']) {
      const bound = words.length === 0 ? other : operator === '[lt]' ? words.at(-1) : words[0]
      if (bound !== null && bound !== undefined)
        this.#get(actor, `?${field.key}${operator}=${encodeURIComponent(valueText(bound))}`)
    }
    if (field.kind.name === 'text' && !field.column.enumValues)
      this.#get(actor, `?${field.key}[contains]=${CANARY.slice(0, 6)}`)
    this.#get(actor, `?${field.key}[isNull]=false`)
    // A column that is NOT NULL has no row to show.
    if (!field.notNull) this.#get(actor, `?${field.key}[isNull]=true`)
  }

  rows(): void {
    if (!this.#resource.operations.read) return
    for (const { actor, id, words } of this.#targets()) {
      this.#add(actor, { method: 'GET', target: `${this.#base}/${id}`, headers: [] }, words)
      this.#add(actor, { method: 'GET', target: `${this.#base}/${id}?fields=id`, headers: [] }, words)
      for (const name of this.#relations())
        this.#add(actor, { method: 'GET', target: `${this.#base}/${id}?include=${name}`, headers: [] }, words)
    }
  }

  writes(): void {
    const { operations } = this.#resource
    for (const { actor, id, words, version } of this.#targets()) {
      const target = `${this.#base}/${id}`
      const bodies = operations.update ? [...this.#patches()].map((body) => json('PATCH', target, body)) : []
      if (operations.update) bodies.push(json('PUT', target, this.#draft(id)))
      if (operations.delete) bodies.push({ method: 'DELETE', target, headers: [] })
      for (const request of bodies) {
        this.#add(actor, request, words)
        // The version that the attacker's own row has, and one that no row has.
        this.#add(actor, withIfMatch(request, version), words)
        this.#add(actor, withIfMatch(request, 999_999_999), words)
      }
    }
    const { full } = this.#knowledge.attacker.actors
    if (operations.create) this.#add(full, json('POST', this.#base, this.#draft()), this.#words())
    // Names that clients choose: one that the victim has too, and one that the attacker has himself.
    for (const row of operations.create && ownFields(this.#resource).some((field) => field.key === 'id')
      ? [this.#row('open', 0), this.#row('twin', 0)]
      : []) {
      const words = this.#words()
      if (row.role === 'open') words.foreignKey(row.id)
      this.#add(full, json('POST', this.#base, this.#draft(row.id)), words)
    }
  }

  actions(): void {
    for (const action of this.#resource.actions) {
      const path = `/api/v1/${this.#resource.path}/:id/${action.name}`
      for (const { actor, id, words } of this.#targets()) {
        const target = path.replace(':id', id)
        if (action.readOnly) this.#add(actor, { method: 'GET', target, headers: [] }, words)
        else if (!action.input) this.#act(actor, { method: 'POST', target, headers: [] }, words)
        for (const references of action.input ? (['twins', 'foreign'] as const) : []) {
          const inner = this.#words(words)
          const route = { resource: this.#resource, verb: action.name, method: 'POST', body: { schema: action.input! } }
          const body = makeBody(inner, route as never, references, 'plain')
          this.#act(actor, { method: 'POST', target, headers: [jsonType], body }, inner)
        }
      }
    }
  }

  /** The version is asked of the locked row, before anything else could find that it is none of his. */
  #act(actor: TestActor, request: WireRequest, words: Words): void {
    for (const each of [request, withIfMatch(request, 999_999_999)]) this.#add(actor, each, words)
  }

  /** The victim's keys, used by the same person in the other tenant: live ones, and ones that have run out. */
  keys(): void {
    const { shared } = this.#knowledge.attacker.actors
    for (const { resource, key, request } of this.#knowledge.keyed) {
      if (resource !== this.#resource) continue
      const expired: WireRequest = {
        ...request,
        headers: request.headers.map(([name, value]) => [name, value === key ? `expired-${key}` : value] as const),
      }
      this.#add(shared, request, this.#words())
      this.#add(shared, expired, this.#words())
    }
  }

  /** Twins (with children and without) and the victim's rows, each for the actors whose scope reaches it. */
  *#targets(): Generator<{ actor: TestActor; id: string; version: number; words: Words }> {
    const { full, own, group, writer } = this.#knowledge.attacker.actors
    const half = Math.ceil(this.#rows('twin').length / 2)
    for (const [actor, place] of [
      [full, 2],
      [own, 0],
      [group, 1],
      [writer, 2],
    ] as const) {
      for (const row of [this.#row('twin', place), this.#row('twin', place + half)]) {
        const mine = rowsOf(this.#knowledge.attackerRows, this.#resource).find((each) => each.id === row.id)
        yield { actor, id: row.id, version: Number(mine?.values['version'] ?? 1), words: this.#words() }
      }
    }
    for (const [actor, place] of [
      [full, 0],
      [full, 1],
      [own, 1],
      [group, 2],
      [writer, 0],
    ] as const) {
      const words = this.#words()
      const row = this.#row('own', place)
      yield { actor, id: words.foreignKey(row.id), version: Number(row.values['version']), words }
    }
  }

  *#patches(): Generator<Record<string, unknown>> {
    yield {}
    const fields = ownFields(this.#resource)
    // An object into a json column, and a field that cannot change: both need the row first.
    const nested = fields.find((field) => field.kind.name === 'json')
    if (nested) yield { [nested.key]: { added: 'word' } }
    for (const field of fields.filter((each) => each.immutable || each.reference))
      yield { [field.key]: this.#draftValue(field) }
    for (const { idsKey, target } of linksOf(this.#knowledge.registry, this.#resource)) {
      const rows = rowsOf(this.#knowledge.victimRows, target)
      yield { [idsKey]: [] }
      yield { [idsKey]: rows.filter((row) => row.role === 'twin').map((row) => row.id) }
      yield { [idsKey]: rows.filter((row) => row.role === 'own').map((row) => row.id) }
    }
    const plain = fields.find((field) => !field.immutable && !field.reference && field !== nested)
    if (plain) yield { [plain.key]: this.#draftValue(plain) }
  }

  /** @param id where the client gives it: another one than the row has would be refused before all else */
  #draft(id?: string): Record<string, unknown> {
    return Object.fromEntries(
      ownFields(this.#resource).map((field) => [
        field.key,
        field.key === 'id' && id !== undefined ? id : this.#draftValue(field),
      ]),
    )
  }

  #draftValue(field: FieldInfo): unknown {
    const words = this.#words()
    const parent = words.parentOf(field)
    if (parent) {
      const twins = rowsOf(this.#knowledge.attackerRows, parent).filter((row) => row.role === 'twin')
      // A pair that no seeded row has: a table between holds each once.
      const another =
        field.reference!.onDelete === 'cascade' && field !== ownFields(this.#resource).find((each) => each.reference)
      return twins[another ? Math.ceil(twins.length / 2) : 0]?.id
    }
    const text = words.usualValue(field)
    return field.kind.name === 'json'
      ? JSON.parse(text)
      : ['text', 'uuid', 'time', 'timeText', 'date', 'clock', 'decimal', 'bigText', ...keyKinds].includes(
            field.kind.name,
          )
        ? text
        : JSON.parse(text)
  }

  #relations(): readonly string[] {
    return [...relationsOf(this.#knowledge.registry, this.#resource).keys()]
  }

  #rows(role: 'twin' | 'own' | 'open'): readonly SeededRow[] {
    return rowsOf(this.#knowledge.victimRows, this.#resource).filter((row) => row.role === role)
  }

  #row(role: 'twin' | 'own' | 'open', place: number): SeededRow {
    const rows = this.#rows(role)
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
      number: this.#probes.length,
      actor: withToken(actor),
      pairs: words.pairs,
      route: `${request.method} ${this.#base}`,
      request: { ...request, headers: [bearer(actor), ...request.headers] },
    })
  }
}

/** Ids are text in JSON, whatever the column is. */
const keyKinds = ['textKey', 'integerKey', 'bigintKey']
const jsonType = ['content-type', 'application/json'] as const

function bearer(actor: TestActor): readonly [string, string] {
  return ['authorization', `Bearer ${actor.token}`]
}

function json(method: string, target: string, body: unknown): WireRequest {
  return { method, target, headers: [jsonType], body: JSON.stringify(body) }
}

function withIfMatch(request: WireRequest, version: number): WireRequest {
  return { ...request, headers: [...request.headers, ['if-match', `"${version}-000000"`]] }
}

function ownFields(resource: ResourceInfo): readonly FieldInfo[] {
  return writableFields(resource)
}
