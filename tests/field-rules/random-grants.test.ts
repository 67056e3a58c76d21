import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dataOf, openOffice, rowOf, type Clerk, type Office } from './office.ts'
import { employees } from './staff-tables.ts'

/*
 * The oracle knows sets and nothing else: a scope admits rows of some kinds, scopes add up, a field is shown where the row is seen and the
 * field's own permission admits it, and written where row and field may be.
 */
const kinds = ['own', 'group', 'both', 'foreign'] as const
type Kind = (typeof kinds)[number]
const admits: Readonly<Record<string, readonly Kind[]>> = {
  all: kinds,
  own: ['own', 'both'],
  group: ['group', 'both'],
}
const names = [
  'employee:read',
  'employee:update',
  'employee.salary:read',
  'employee.salary:update',
  'employee.note:read',
  'employee.badge:update',
] as const
type Grants = Readonly<Record<(typeof names)[number], readonly string[]>>

const scopes = fc.subarray(['own', 'group', 'all'])
/** Rows are read more often than not, or there would be little to see. */
const wide = fc.oneof({ weight: 3, arbitrary: fc.constant(['all']) }, { weight: 2, arbitrary: scopes })
const grants: fc.Arbitrary<Grants> = fc.record({
  'employee:read': wide,
  'employee:update': wide,
  'employee.salary:read': scopes,
  'employee.salary:update': scopes,
  'employee.note:read': scopes,
  'employee.badge:update': scopes,
})

const GROUP = '01941f29-7c00-7aaa-8bbb-0123456789ab'
const everything = ['*']
let office: Office
let head: Clerk
let clerk: Clerk
const rows = new Map<Kind, string>()
beforeAll(async () => {
  office = await openOffice()
  head = office.clerk(everything, [GROUP])
  clerk = office.clerk(everything, [GROUP])
  const values = { name: 'row', salary: 1, note: 'n', badge: 'b' }
  rows.set('own', await office.make(clerk, 'employees', values))
  rows.set('both', await office.make(clerk, 'employees', { ...values, ownerGroupId: GROUP }))
  rows.set('group', await office.make(head, 'employees', { ...values, ownerGroupId: GROUP }))
  rows.set('foreign', await office.make(head, 'employees', values))
}, 60_000)
afterAll(() => office.close())

test('random grants show and take what an oracle of plain sets says', async () => {
  let salary = 10
  await fc.assert(
    fc.asyncProperty(grants, fc.constantFrom(...kinds), async (given, target) => {
      clerk.permissions = [
        ...names.flatMap((name) => given[name].map((scope) => `${name}:${scope}`)),
        'employee:create',
      ]
      const may = (name: keyof Grants, kind: Kind): boolean =>
        given[name].some((scope) => admits[scope]!.includes(kind))
      const shown = (kind: Kind): unknown => ({
        salary: may('employee.salary:read', kind),
        note: may('employee.note:read', kind),
        badge: true,
      })
      const has = (row: object): unknown => ({
        salary: Object.hasOwn(row, 'salary'),
        note: Object.hasOwn(row, 'note'),
        badge: Object.hasOwn(row, 'badge'),
      })
      const reads = given['employee:read'].length > 0
      const seen = kinds.filter((kind) => may('employee:read', kind))

      // One row, over HTTP and in code.
      const id = rows.get(target)!
      const one = await office.ask(clerk, 'GET', `employees/${id}`)
      expect(one.status).toBe(!reads ? 403 : seen.includes(target) ? 200 : 404)
      if (one.status === 200) {
        expect(has(rowOf(one))).toEqual(shown(target))
        expect(has(await office.as(clerk, (ctx) => ctx.read(employees, id)))).toEqual(shown(target))
      }

      // All of them, and what may be asked.
      const every = (name: 'employee.salary:read' | 'employee.note:read'): boolean => given[name].includes('all')
      const list = await office.ask(clerk, 'GET', `employees?name=row&pageSize=10`)
      expect(list.status).toBe(reads ? 200 : 403)
      if (reads) {
        const found = new Map(dataOf(list).map((row) => [row['id'], has(row)]))
        const wanted = new Map(seen.map((kind) => [rows.get(kind), shown(kind)]))
        expect(found).toEqual(wanted)
        const asked = async (query: string): Promise<number> =>
          (await office.ask(clerk, 'GET', `employees?${query}`)).status
        expect(await asked('salary[gte]=0&sort=salary')).toBe(every('employee.salary:read') ? 200 : 400)
        expect(await asked('fields=note')).toBe(every('employee.note:read') ? 200 : 400)
      }

      // A change of a field.
      salary += 1
      const before = rowOf(await office.ask(head, 'GET', `employees/${id}`))
      const visible = reads ? seen.includes(target) : may('employee:update', target)
      const none = given['employee:update'].length === 0 || given['employee.salary:update'].length === 0
      const takes = may('employee:update', target) && may('employee.salary:update', target)
      const status = none ? 403 : !visible ? 404 : takes ? 200 : 403
      const patched = await office.ask(clerk, 'PATCH', `employees/${id}`, { salary })
      expect([patched.status, patched.body]).toEqual([status, expect.anything()])
      if (status === 200) expect(has(rowOf(patched))).toEqual(shown(target))
      const after = rowOf(await office.ask(head, 'GET', `employees/${id}`))
      expect(after['salary']).toBe(status === 200 ? salary : before['salary'])

      // The whole row: what is not his to write is left alone.
      const badge = `b${salary}`
      const put = await office.ask(clerk, 'PUT', `employees/${id}`, { name: 'row', badge, salary: -1 })
      const putStatus =
        given['employee:update'].length === 0 ? 403 : !visible ? 404 : may('employee:update', target) ? 200 : 403
      expect(put.status).toBe(putStatus)
      const kept = rowOf(await office.ask(head, 'GET', `employees/${id}`))
      expect(kept['badge']).toBe(putStatus === 200 && may('employee.badge:update', target) ? badge : after['badge'])
      expect(kept['salary']).toBe(putStatus === 200 && takes ? -1 : after['salary'])
      expect(kept['note']).toBe('n')

      // A new row is his own, and of no group.
      const made = await office.ask(clerk, 'POST', 'employees', { name: 'new', salary: 3 })
      expect(made.status).toBe(may('employee.salary:update', 'own') ? 201 : 403)
      if (made.status === 201) expect(has(rowOf(made))).toEqual(shown('own'))
    }),
    { numRuns: 60 },
  )
}, 120_000)
