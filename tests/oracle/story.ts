import assert from 'node:assert/strict'
import type { Answered } from '../contract/open-platform.ts'
import { Model, Refused, type Gadget, type Json, type Operation } from './model.ts'
import type { BulkStep, Step, Wanted } from './steps.ts'

const nobody = '0190c000-0000-7000-8000-000000000000'
interface BulkResult {
  readonly op: string
  readonly id: string
  readonly status: number
  readonly row?: Gadget
}
export const counts = new Map<string, number>()

type Call = (method: string, rest: string, body?: unknown, headers?: Record<string, string>) => Promise<Answered>

/** One history: what is asked of the server is asked of the model too. */
export class Story {
  readonly #model = new Model()
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  #target(at: number): Gadget | undefined {
    // One past the end is a row that never was.
    return this.#model.rows[at % (this.#model.rows.length + 1)]
  }

  #versionOf({ one: at, version: wanted }: Wanted): number | undefined {
    const row = this.#target(at)
    return wanted === 'any' ? undefined : wanted === 'right' ? (row?.version ?? 1) : 77
  }

  async take(each: Step): Promise<void> {
    if (each.do === 'clear') {
      const answer = await this.#call('DELETE', '?confirm=gadgets')
      return this.#same(each.do, answer, () => {
        assert.deepEqual(answer.json, { deleted: this.#model.clear() })
      })
    }
    if (each.do === 'create') {
      const answer = await this.#call('POST', '', each.body)
      return this.#same(each.do, answer, () => this.#model.create(each.body, String(answer.json['id'])), 201)
    }
    if (each.do === 'bulk') return this.#bulk(each.steps.map((one) => this.#operation(one)))
    const id = this.#target(each.one)?.id ?? nobody
    if (each.do === 'restore')
      return this.#same(each.do, await this.#call('POST', `/${id}/restore`), () => this.#model.restore(id))
    const wanted = this.#versionOf(each)
    const headers: Record<string, string> = wanted === undefined ? {} : { 'if-match': `"${wanted}-000000"` }
    if (each.do === 'delete') {
      const answer = await this.#call('DELETE', `/${id}`, undefined, headers)
      return this.#same(each.do, answer, () => this.#model.delete(id, wanted), 204)
    }
    const answer = await this.#call(each.do.toUpperCase(), `/${id}`, each.body, headers)
    return this.#same(each.do, answer, () =>
      each.do === 'put' ? this.#model.put(id, each.body, wanted) : this.#model.patch(id, each.body, wanted),
    )
  }

  #operation(each: BulkStep): Operation {
    if (each.op === 'create') return { op: 'create', data: each.data }
    const wanted = this.#versionOf(each)
    const target = { id: this.#target(each.one)?.id ?? nobody, ...(wanted === undefined ? {} : { version: wanted }) }
    return each.op === 'update' ? { op: 'update', ...target, data: each.data } : { op: 'delete', ...target }
  }

  async #bulk(operations: readonly Operation[]): Promise<void> {
    const answer = await this.#call('POST', '/bulk', { operations })
    const results = (answer.json['results'] ?? []) as readonly BulkResult[]
    this.#same('bulk', answer, () => {
      const rows = this.#model.bulk(
        operations,
        results.map(({ id }) => id),
      )
      const statuses = { create: 201, update: 200, delete: 204 }
      assert.deepEqual(
        results.map(({ op, status }) => [op, status]),
        operations.map(({ op }) => [op, statuses[op]]),
      )
      assert.deepEqual(
        results.map(({ row }) => row && shown(row)),
        rows.map((row) => row && shown(row)),
      )
    })
  }

  #same(what: string, answer: Answered, expected: () => Gadget | void, status = 200): void {
    const label = (words: string): void =>
      void counts.set(`${what} ${words}`, (counts.get(`${what} ${words}`) ?? 0) + 1)
    let row: Gadget | void
    try {
      row = expected()
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      label('refused')
      assert.deepEqual([answer.status, answer.json['code']], [error.status, error.code], answer.text)
      const paths = [...new Set(answer.json.errors?.map((fault) => fault.path) ?? [])].sort()
      if (error.paths) assert.deepEqual(paths, [...new Set(error.paths)].sort())
      return
    }
    label('done')
    assert.equal(answer.status, status, answer.text)
    if (row) assert.deepEqual(shown(answer.json as unknown as Gadget), shown(row))
  }

  /** Brings every deleted row back, which shows its values and version, or is refused as the model says. */
  async restoreAll(): Promise<void> {
    for (const { id } of this.#model.gone())
      this.#same('restore', await this.#call('POST', `/${id}/restore`), () => this.#model.restore(id))
  }

  /** Every row that is there, and no other. */
  async compareAll(): Promise<void> {
    const { json: list } = await this.#call('GET', '?pageSize=100&sort=id')
    const byId = (a: Gadget, b: Gadget): number => (a.id < b.id ? -1 : 1)
    const rows = (list['data'] as readonly Record<string, Json>[]).map(
      ({ id, version: at, name, state, size, data, code }) => ({ id, version: at, name, state, size, data, code }),
    )
    assert.deepEqual(rows, [...this.#model.live()].sort(byId).map(shown))
  }
}

function shown({ id, version, name, state, size, data, code }: Gadget): Omit<Gadget, 'deleted'> {
  // As JSON: generated objects may be without a prototype, which is a difference to `assert`.
  return JSON.parse(JSON.stringify({ id, version, name, state, size, data, code })) as Omit<Gadget, 'deleted'>
}
