import fc from 'fast-check'
import type { Body, Json } from './model.ts'

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
export const bulkStep = fc.oneof(
  fc.record({ op: fc.constant('create'), data: draft }),
  fc.record({ op: fc.constant('update'), one, version, data: patch }),
  fc.record({ op: fc.constant('delete'), one, version }),
)
export const step = fc.oneof(
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
export type Step = typeof step extends fc.Arbitrary<infer S> ? S : never
export type BulkStep = typeof bulkStep extends fc.Arbitrary<infer S> ? S : never
export type Wanted = { readonly one: number; readonly version: string }
