import { boolean, integer, jsonb, text, timestamp } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import { defineResource } from '../resource/define-resource.ts'
import { describeResource } from '../resource/describe-resource.ts'
import { resourceTable } from '../table/resource-table.ts'
import { readListQuery, type ListQuery } from './list-query.ts'
import { readQuery } from './query-text.ts'

const things = resourceTable('things', {
  name: text().notNull(),
  size: integer(),
  open: boolean(),
  dueAt: timestamp({ withTimezone: true }),
  token: text(),
  notes: text(),
  data: jsonb(),
})
const thing = describeResource(
  defineResource({
    table: things,
    fields: {
      name: { filter: true, sort: true, search: true, schema: (name) => name.min(2) },
      size: { filter: true, sort: true },
      open: { filter: true },
      dueAt: { filter: true, sort: true },
      token: { secret: true },
      notes: { hidden: true },
    },
  }),
  'product',
  [],
)!

const read = (search: string): ListQuery => readListQuery(thing, readQuery(search))
const codes = (search: string): readonly string[] => {
  try {
    read(search)
    return []
  } catch (error) {
    return ((error as { errors?: readonly { path: string; code: string }[] }).errors ?? []).map(
      (fault) => `${fault.path} ${fault.code}`,
    )
  }
}

test('without a query: the newest 20', () => {
  const query = read('')
  expect(query).toMatchObject({ limit: 20, offset: 0, page: 1, countExactly: false, cursor: undefined })
  expect(query.sort.map((key) => [key.field.key, key.descending])).toEqual([
    ['createdAt', true],
    ['id', true],
  ])
})

test('filters become conditions', () => {
  expect(read('name=shop').where).toEqual({ kind: 'compare', field: 'name', op: 'eq', with: { value: 'shop' } })
  expect(read('size[gte]=3').where).toEqual({ kind: 'compare', field: 'size', op: 'gte', with: { value: 3 } })
  expect(read('name[in]=a\\,b,c').where).toEqual({ kind: 'in', field: 'name', values: ['a,b', 'c'] })
  expect(read('dueAt[isNull]=false').where).toEqual({ kind: 'not', of: { kind: 'isNull', field: 'dueAt' } })
  expect(read('open=true&size=1').where.kind).toBe('and')
  expect(read('search=x').where).toEqual({ kind: 'contains', field: 'name', text: 'x' })
})

test('a filter value is checked by the column, not by the narrowing of the field', () => {
  expect(codes('name=a')).toEqual([])
})

test.each([
  ['page=0', '?page out_of_range'],
  ['page=1.5', '?page out_of_range'],
  ['pageSize=101', '?pageSize out_of_range'],
  ['limit=0', '?limit out_of_range'],
  ['skip=-1', '?skip out_of_range'],
  ['page=2&skip=3', '?skip conflict'],
  ['cursor=x&page=2', '?page conflict'],
  ['count=yes', '?count invalid_value'],
  ['sort=notes', '?sort unknown_field'],
  ['sort=token', '?sort unknown_field'],
  ['sort=name,-name', '?sort repeated'],
  ['fields=token', '?fields unknown_field'],
  ['fields=tenantId', '?fields unknown_field'],
  ['token=x', '?token unknown_parameter'],
  ['notes[contains]=x', '?notes[contains] unknown_parameter'],
  ['tenantId=x', '?tenantId unknown_parameter'],
  ['__proto__=x', '?__proto__ unknown_parameter'],
  ['constructor[eq]=x', '?constructor[eq] unknown_parameter'],
  ['open[gt]=true', '?open[gt] unknown_operator'],
  ['size=many', '?size invalid_value'],
  ['size=1e400', '?size invalid_value'],
  ['open=yes', '?open invalid_value'],
  ['dueAt[gte]=tomorrow', '?dueAt[gte] invalid_value'],
  ['name=a&name=b', '?name repeated'],
])('%s is refused', (search, fault) => {
  expect(codes(search)).toContain(fault)
})

test.each(['name=%zz', 'name=%c3%28', 'name=%00'])('%s is malformed', (search) => {
  expect(() => read(search)).toThrow(expect.objectContaining({ code: 'malformed_request' }))
})

test('every fault is told at once', () => {
  expect(codes('page=0&nope=1&sort=nope')).toHaveLength(3)
})
