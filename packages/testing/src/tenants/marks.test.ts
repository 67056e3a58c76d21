import { readDeclaration, type StartupFault } from '@plinth/core'
import { expect, test } from 'vitest'
import { seededRandom } from '../random/seeded-random.ts'
import { depot } from '../resources/depot.ts'
import { CANARY, isMarked, madeValue, markedUuid, marksIn, valueText } from './marks.ts'

const faults: StartupFault[] = []
const registry = readDeclaration(depot, [], faults)
const fields = registry.resources.flatMap((resource) => resource.fields.filter((field) => !field.reference))
/** Without room for a mark, or the same in both. */
const unmarked = (kind: string): boolean => kind === 'boolean'

test('every value of the victim is marked, none of the attacker is', () => {
  expect(faults).toEqual([])
  const random = seededRandom('marks')
  for (let round = 0; round < 500; round += 1) {
    for (const field of fields.filter((each) => !each.platform)) {
      const shown = (owner: 'victim' | 'attacker' | 'open'): string =>
        `{"x":${JSON.stringify(madeValue(field, random, owner))}}`
      const words = (field.column.enumValues?.length ?? 0) > 0
      if (!unmarked(field.kind.name) && !words)
        expect([field.key, isMarked(shown('victim'))]).toEqual([field.key, true])
      expect(marksIn(shown('attacker'))).toEqual([])
      expect(marksIn(shown('open'))).toEqual([])
    }
  }
})

test('made values pass the schema of their field', () => {
  const random = seededRandom('valid')
  for (const field of fields) {
    for (const owner of ['victim', 'attacker', 'open'] as const) {
      const value = madeValue(field, random, owner)
      expect([field.key, valueText(value), field.schema.safeParse(value).success]).toEqual([
        field.key,
        valueText(value),
        true,
      ])
    }
  }
})

test('ids are marked by whose they are; a canary in capitals is found too', () => {
  const random = seededRandom('ids')
  expect(isMarked(markedUuid(random, 'id', 'victim'))).toBe(true)
  expect(isMarked(markedUuid(random, 'id', 'attacker'))).toBe(false)
  expect(marksIn(`x ${CANARY.toUpperCase()} y`)).toEqual([CANARY.toUpperCase()])
  // In the middle of an id or a fraction it is another number.
  expect(marksIn('{"id":"a1a1a1a1-1017-71d4-8bd5-1e31eca31211","ms":0.31211}')).toEqual([])
})
