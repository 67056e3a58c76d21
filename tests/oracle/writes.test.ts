import fc from 'fast-check'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openPlatform, type Answered, type OpenPlatform } from '../contract/open-platform.ts'
import { gadget } from './gadgets.ts'
import { Model, Refused, type Body, type Gadget, type Json, type Operation } from './model.ts'

const runs = Number(process.env['PLINTH_ORACLE_RUNS'] ?? 150)

let platform: OpenPlatform
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), [gadget])
})
afterAll(() => platform.close())

const path = '/api/v1/gadgets'
const call = (method: string, rest: string, body?: unknown, headers?: Record<string, string>): Promise<Answered> =>
  platform.call('acme', method, `${path}${rest}`, body, headers)

// Few names and keys, so that things meet.
const json: fc.Arbitrary<Json> = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Json>(null, true, 1, 'x', [], {}),
    fc.array(tie('json'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('json'), { maxKeys: 3 }),
  ),
})).json
const good = {
  name: fc.constantFrom<Json>('ant', 'bee', 'cat', 'dog', 'eel', 'fox', 'gnu', 'hen'),
  state: fc.constantFrom<Json>('new', 'used', 'broken'),
  size: fc.constantFrom<Json>(0, 5, 9, null),
  data: json,
  code: fc.constantFrom<Json>('k1', 'k2', null),
  colour: fc.constant<Json>('red'),
}
const bad = {
  name: fc.constantFrom<Json>('', 'much too long', null, 5),
  state: fc.constantFrom<Json>('gone', null),
  size: fc.constantFrom<Json>(10, -1, 1.5, '5'),
}
const { code, ...changeable } = good
const usual = fc.record(changeable, { requiredKeys: [] }) as fc.Arbitrary<Body>
const some = fc.oneof(
  { weight: 5, arbitrary: usual },
  { weight: 1, arbitrary: fc.tuple(usual, code).map(([body, given]): Body => ({ ...body, code: given })) },
)
const spoilt = fc
  .tuple(some, fc.record(bad, { requiredKeys: [] }))
  .map(([body, wrong]) => ({ ...body, ...wrong }) as Body)
const patch = fc.oneof({ weight: 6, arbitrary: some }, { weight: 1, arbitrary: spoilt })
const draft = fc
  .tuple(good.name, patch, fc.integer({ min: 0, max: 9 }))
  .map(([name, body, luck]): Body => (luck === 0 ? body : { name, ...body }))
const version = fc.constantFrom('any', 'any', 'any', 'right', 'right', 'wrong')
const one = fc.nat({ max: 60 })
const bulkStep = fc.oneof(
  fc.record({ op: fc.constant('create'), data: draft }),
  fc.record({ op: fc.constant('update'), one, version, data: patch }),
  fc.record({ op: fc.constant('delete'), one, version }),
)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('create'), body: draft }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('put'), one, version, body: draft }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('patch'), one, version, body: patch }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete'), one, version }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restore'), one }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('bulk'), steps: fc.array(bulkStep, { minLength: 1, maxLength: 6 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear') }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never
type Wanted = { readonly one: number; readonly version: string }

const nobody = '0190c000-0000-7000-8000-000000000000'
const counts = new Map<string, number>()

class Story {
  readonly #model = new Model()

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
      const answer = await call('DELETE', '?confirm=gadgets')
      return this.#same(each.do, answer, () => {
        expect(answer.json).toEqual({ deleted: this.#model.clear() })
      })
    }
    if (each.do === 'create') {
      const answer = await call('POST', '', each.body)
      return this.#same(each.do, answer, () => this.#model.create(each.body, String(answer.json['id'])), 201)
    }
    if (each.do === 'bulk') return this.#bulk(each.steps.map((one) => this.#operation(one)))
    const id = this.#target(each.one)?.id ?? nobody
    if (each.do === 'restore')
      return this.#same(each.do, await call('POST', `/${id}/restore`), () => this.#model.restore(id))
    const wanted = this.#versionOf(each)
    const headers: Record<string, string> = wanted === undefined ? {} : { 'if-match': `"${wanted}-000000"` }
    if (each.do === 'delete') {
      const answer = await call('DELETE', `/${id}`, undefined, headers)
      return this.#same(each.do, answer, () => this.#model.delete(id, wanted), 204)
    }
    const answer = await call(each.do.toUpperCase(), `/${id}`, each.body, headers)
    return this.#same(each.do, answer, () =>
      each.do === 'put' ? this.#model.put(id, each.body, wanted) : this.#model.patch(id, each.body, wanted),
    )
  }

  #operation(each: typeof bulkStep extends fc.Arbitrary<infer S> ? S : never): Operation {
    if (each.op === 'create') return { op: 'create', data: each.data }
    const wanted = this.#versionOf(each)
    const target = { id: this.#target(each.one)?.id ?? nobody, ...(wanted === undefined ? {} : { version: wanted }) }
    return each.op === 'update' ? { op: 'update', ...target, data: each.data } : { op: 'delete', ...target }
  }

  async #bulk(operations: readonly Operation[]): Promise<void> {
    const answer = await call('POST', '/bulk', { operations })
    const results = (answer.json['results'] ?? []) as readonly { op: string; id: string; status: number }[]
    this.#same('bulk', answer, () => {
      this.#model.bulk(
        operations,
        results.map(({ id }) => id),
      )
      const statuses = { create: 201, update: 200, delete: 204 }
      expect(results.map(({ op, status }) => [op, status])).toEqual(operations.map(({ op }) => [op, statuses[op]]))
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
      expect([answer.status, answer.json['code']], answer.text).toEqual([error.status, error.code])
      const paths = [...new Set(answer.json.errors?.map((fault) => fault.path) ?? [])].sort()
      if (error.paths) expect(paths).toEqual([...new Set(error.paths)].sort())
      return
    }
    label('done')
    expect(answer.status, answer.text).toBe(status)
    if (row) expect(answer.json).toMatchObject(shown(row))
  }

  /** Every row that is there, and no other. */
  async compareAll(): Promise<void> {
    const { json: list } = await call('GET', '?pageSize=100&sort=id')
    const byId = (a: Gadget, b: Gadget): number => (a.id < b.id ? -1 : 1)
    const rows = (list['data'] as readonly Record<string, Json>[]).map(
      ({ id, version: at, name, state, size, data, code }) => ({ id, version: at, name, state, size, data, code }),
    )
    expect(rows).toEqual([...this.#model.live()].sort(byId).map(shown))
  }
}

function shown({ deleted: _, ...row }: Gadget): Omit<Gadget, 'deleted'> {
  return row
}

test(`random writes go as the model says, over HTTP: ${runs} histories`, { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 30 }), async (steps) => {
      await call('DELETE', '?confirm=gadgets')
      const story = new Story()
      for (const name of ['ant', 'bee', 'cat']) await story.take({ do: 'create', body: { name, code: 'k1' } })
      for (const each of steps) {
        await story.take(each)
        if (each.do === 'bulk') await story.compareAll()
      }
      await story.compareAll()
    }),
    { numRuns: runs },
  )
  console.info(
    `writes over HTTP: ${[...counts]
      .sort()
      .map(([what, count]) => `${what} ${count}`)
      .join(', ')}`,
  )
  // Each thing that can happen did, or nothing was tested.
  for (const what of ['create', 'put', 'patch', 'delete', 'restore', 'bulk'])
    for (const outcome of ['done', 'refused'])
      expect(counts.get(`${what} ${outcome}`), `${what} ${outcome}`).toBeGreaterThan(0)
})
