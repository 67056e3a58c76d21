import type { PortableTable, Registry, Travel } from '@plinth/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { travellingTables } from './travelling-tables.ts'

const table = (name: string, to: readonly string[] = []): PortableTable => ({
  name,
  columns: [{ name: 'id', type: 'uuid', notNull: true, hasDefault: false, identity: false }],
  key: ['id'],
  references: to.map((one) => ({ table: one, columns: ['id'] })),
})

function ordered(
  tables: readonly PortableTable[],
  travel: (name: string) => Travel | undefined = () => ({}),
): readonly string[] {
  const travels = new Map(tables.flatMap(({ name }) => (travel(name) ? [[name, travel(name)!] as const] : [])))
  const registry = { travels, resources: [] } as unknown as Registry
  return travellingTables({ registry }, tables).map((one) => one.table.name)
}

test('each table comes after those that it refers to', () => {
  // A table may refer to those of a lower number, and to itself: there is no circle.
  const graph = fc.array(fc.array(fc.nat(20), { maxLength: 4 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(graph, (edges) => {
      const name = (at: number): string => `t${(at * 7) % 13}`
      const tables = edges.map((to, at) =>
        table(
          name(at),
          to.map((one) => name(one % (at + 1))),
        ),
      )
      const once = ordered(tables)
      for (const { name: own, references } of tables)
        for (const to of references)
          if (to.table !== own) expect(once.indexOf(to.table)).toBeLessThan(once.indexOf(own))
      expect([...once].sort()).toEqual(tables.map((one) => one.name).sort())
    }),
  )
})

test('a circle is entered by its first table', () => {
  expect(ordered([table('a', ['b']), table('b', ['a']), table('c')])).toEqual(['c', 'a', 'b'])
})

test('what stays is not among them; what says nothing is named', () => {
  expect(ordered([table('a'), table('b')], (name) => (name === 'a' ? { stays: 'here' } : {}))).toEqual(['b'])
  expect(() => ordered([table('a'), table('b'), table('c')], (name) => (name === 'a' ? {} : undefined))).toThrow(
    /b, c hold rows of tenants/,
  )
})
