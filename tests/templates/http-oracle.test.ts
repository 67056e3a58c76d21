import fc from 'fast-check'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openPlatform, type Answered, type OpenPlatform } from '../contract/open-platform.ts'
import { fold, leafMap, leaves, levelOf, patches, pointerOf, rfcMerge, type Json, type Obj } from './oracle.ts'
import { SHARED, treeResources } from './tree-resources.ts'

let platform: OpenPlatform
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), treeResources)
})
afterAll(() => platform.close())

const acme = (method: string, path: string, body?: unknown): Promise<Answered> =>
  platform.call('acme', method, `/api/v1${path}`, body)

type From = { readonly shared: keyof typeof SHARED } | { readonly own: number } | undefined
interface ModelTemplate {
  readonly id: string
  parent: From
  defaults: Obj
  gone: boolean
}
interface ModelRow {
  readonly id: string
  from: From
  params: Obj
  /** What it was pinned to. */
  pin: readonly Obj[] | undefined
}

/** What is true, by a model that keeps nothing but what was said. */
class Model {
  readonly templates: ModelTemplate[] = []
  readonly rows: ModelRow[] = []

  above(from: From): readonly Obj[] {
    if (!from) return []
    if ('shared' in from)
      return (from.shared === 'base' ? [SHARED.base] : [SHARED.base, SHARED.special]) as unknown as Obj[]
    const template = this.templates[from.own]!
    return [...this.above(template.parent), template.defaults]
  }

  isAbove(one: number, from: From): boolean {
    return (
      from !== undefined && 'own' in from && (from.own === one || this.isAbove(one, this.templates[from.own]!.parent))
    )
  }

  levels(row: ModelRow): readonly Obj[] {
    return [...(row.pin ?? this.above(row.from)), row.params]
  }

  live(): readonly number[] {
    return this.templates.flatMap((template, at) => (template.gone ? [] : [at]))
  }

  isUsed(one: number): boolean {
    const points = (from: From): boolean => from !== undefined && 'own' in from && from.own === one
    return (
      this.rows.some((row) => !row.pin && points(row.from)) ||
      this.templates.some((template) => !template.gone && points(template.parent))
    )
  }
}

const from = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom({ shared: 'base' as const }, { shared: 'special' as const }),
  fc.record({ own: fc.nat() }),
  fc.record({ own: fc.nat() }),
  fc.record({ own: fc.nat() }),
)
const step = <const D extends string, T extends object>(
  weight: number,
  name: D,
  rest: { [K in keyof T]: fc.Arbitrary<T[K]> },
) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant(name), ...rest }) as unknown as fc.Arbitrary<{ do: D } & T>,
})
const one = fc.nat()
const steps = fc.oneof(
  step(2, 'template', { from, values: patches }),
  step(5, 'edit', { one, values: patches, whole: fc.boolean() }),
  step(2, 'move', { one, from }),
  step(1, 'remove', { one }),
  step(3, 'row', { from, values: patches, pinned: fc.boolean(), clone: fc.boolean() }),
  step(2, 'override', { one, values: patches }),
  step(1, 'attach', { one, from }),
  step(1, 'pin', { one, pinned: fc.boolean() }),
  step(4, 'resync', { one }),
)
type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never

const done = new Map<string, number>()

/** Does a step on both sides. Both must refuse, or both do it. */
async function take(model: Model, step: Step): Promise<void> {
  const live = model.live()
  const chosen = (wanted: From): From =>
    wanted && 'own' in wanted ? (live.length === 0 ? undefined : { own: live[wanted.own % live.length]! }) : wanted
  const say = (wanted: From, own: string, shared: string): object => ({
    [own]: wanted && 'own' in wanted ? model.templates[wanted.own]!.id : null,
    [shared]: wanted && 'shared' in wanted ? wanted.shared : null,
  })
  const template = 'one' in step && live.length > 0 ? live[step.one % live.length]! : undefined
  const row = 'one' in step && model.rows.length > 0 ? model.rows[step.one % model.rows.length]! : undefined
  const count = (outcome: string): void =>
    void done.set(`${step.do} ${outcome}`, (done.get(`${step.do} ${outcome}`) ?? 0) + 1)

  if (step.do === 'template') {
    const parent = chosen(step.from)
    const body = { ...say(parent, 'parentTemplateId', 'sharedParent'), defaults: step.values }
    const answer = await acme('POST', '/leaf-templates', body)
    expect(answer.status, answer.text).toBe(201)
    model.templates.push({ id: String(answer.json['id']), parent, defaults: step.values, gone: false })
  } else if (step.do === 'row') {
    const origin = chosen(step.from)
    const inheritance = step.pinned ? 'pinned' : 'live'
    const answer =
      step.clone && origin
        ? await acme(
            'POST',
            'own' in origin
              ? `/leaf-templates/${model.templates[origin.own]!.id}/clone`
              : `/shared-leaf-templates/${origin.shared}/clone`,
            { params: step.values, inheritance },
          )
        : await acme('POST', '/leaflets', {
            ...say(origin, 'templateId', 'sharedTemplate'),
            params: step.values,
            inheritance,
          })
    expect(answer.status, answer.text).toBe(201)
    const pin = step.pinned ? model.above(origin) : undefined
    model.rows.push({ id: String(answer.json['id']), from: origin, params: step.values, pin })
  } else if (step.do === 'edit' || step.do === 'move' || step.do === 'remove') {
    if (template === undefined) return
    const held = model.templates[template]!
    const path = `/leaf-templates/${held.id}`
    if (step.do === 'edit') {
      const body = { ...say(held.parent, 'parentTemplateId', 'sharedParent'), defaults: step.values }
      const answer = await acme(step.whole ? 'PUT' : 'PATCH', path, step.whole ? body : { defaults: step.values })
      expect(answer.status, answer.text).toBe(200)
      held.defaults = step.whole ? step.values : (rfcMerge(held.defaults, step.values) as Obj)
    } else if (step.do === 'move') {
      const parent = chosen(step.from)
      const answer = await acme('PATCH', path, say(parent, 'parentTemplateId', 'sharedParent'))
      const circle = model.isAbove(template, parent)
      expect(answer.status, answer.text).toBe(circle ? 400 : 200)
      if (!circle) held.parent = parent
      return count(circle ? 'refused' : 'done')
    } else {
      const used = model.isUsed(template)
      expect((await acme('DELETE', path)).status).toBe(used ? 409 : 204)
      if (!used) held.gone = true
      return count(used ? 'refused' : 'done')
    }
  } else {
    if (!row) return
    const path = `/leaflets/${row.id}`
    const lost = row.from !== undefined && 'own' in row.from && model.templates[row.from.own]!.gone
    if (step.do === 'override') {
      expect((await acme('PATCH', path, { params: step.values })).status).toBe(200)
      row.params = rfcMerge(row.params, step.values) as Obj
    } else if (step.do === 'attach') {
      const origin = chosen(step.from)
      const same = JSON.stringify(origin) === JSON.stringify(row.from)
      expect((await acme('PATCH', path, say(origin, 'templateId', 'sharedTemplate'))).status).toBe(200)
      row.from = origin
      if (row.pin && !same) row.pin = model.above(origin)
    } else if (step.do === 'pin') {
      const answer = await acme('PATCH', path, { inheritance: step.pinned ? 'pinned' : 'live' })
      const refused = lost && !step.pinned
      expect(answer.status, answer.text).toBe(refused ? 409 : 200)
      if (refused) return count('refused')
      row.pin = step.pinned ? (row.pin ?? model.above(row.from)) : undefined
    } else {
      const preview = (await acme('GET', `${path}/resync`)).json
      const answer = await acme('POST', `${path}/resync`, { state: preview['state'] })
      if (!row.pin || lost) {
        expect(answer.status, answer.text).toBe(409)
        return count('refused')
      }
      const before = leafMap(fold(model.levels(row)))
      row.pin = model.above(row.from)
      const after = leafMap(fold(model.levels(row)))
      const changes = [...new Set([...before.keys(), ...after.keys()])]
        .filter((each) => JSON.stringify(before.get(each)) !== JSON.stringify(after.get(each)))
        .map((each) => ({
          path: each,
          ...(before.has(each) && { before: before.get(each) }),
          ...(after.has(each) && { after: after.get(each) }),
        }))
      const told = preview['changes'] as readonly {
        readonly path: string
        readonly before?: Json
        readonly after?: Json
      }[]
      expect(
        new Set(
          told.map(({ path: at, before: b, after: a }) => ({
            path: at,
            ...(b !== undefined && { before: b }),
            ...(a !== undefined && { after: a }),
          })),
        ),
      ).toEqual(new Set(changes))
      expect(answer.status, answer.text).toBe(200)
      return count(changes.length > 0 ? 'changed' : 'same')
    }
  }
  count('done')
}

/** Everything that can be asked, compared with the model. */
async function compare(model: Model): Promise<void> {
  const rows = new Map<string, Obj>()
  let cursor = ''
  do {
    const page = (await acme('GET', `/leaflets?include=resolved&sort=id&pageSize=100${cursor}`)).json as unknown as {
      data: Obj[]
      page: { nextCursor: string | null }
    }
    for (const row of page.data) rows.set(row['id'] as string, row)
    cursor = page.page.nextCursor === null ? '' : `&cursor=${page.page.nextCursor}`
  } while (cursor !== '')
  for (const row of model.rows) {
    const levels = model.levels(row)
    const meant = fold(levels)
    expect(rows.get(row.id)).toMatchObject({ resolved: { faults: [] } })
    expect(rows.get(row.id)!['params']).toEqual(row.params)
    expect((rows.get(row.id)!['resolved'] as Obj)['value']).toEqual(meant)
    const { json } = await acme('GET', `/leaflets/${row.id}/provenance`)
    const named = json['levels'] as readonly { readonly source: string; readonly template: string | null }[]
    expect(named).toHaveLength(levels.length)
    expect(json['values']).toEqual(
      Object.fromEntries(
        leaves(meant).map(([path, value]) => {
          const { source, template } = named[levelOf(levels, path, value)]!
          return [pointerOf(path), { value, source, template }]
        }),
      ),
    )
  }
}

test('random histories of trees, rows, pins and re-syncs go as the model says, over HTTP', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 30, maxLength: 50, size: 'max' }), async (history) => {
      const model = new Model()
      for (const step of history) await take(model, step)
      await compare(model)
    }),
    { numRuns: 20 },
  )
  console.info(
    `templates over HTTP: ${[...done]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([what, times]) => `${what} ${times}`)
      .join(', ')}`,
  )
  for (const needed of [
    'move refused',
    'move done',
    'remove refused',
    'remove done',
    'resync changed',
    'resync refused',
  ])
    expect(done.get(needed) ?? 0, needed).toBeGreaterThan(0)
}, 180_000)
