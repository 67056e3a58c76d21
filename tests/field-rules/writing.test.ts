import { randomBytes } from 'node:crypto'
import { createPlinth, defineResource, resourceTable, StartupError } from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { integer, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRows, openOffice, outcome, rowOf, type Clerk, type Office } from './office.ts'
import { employees } from './staff-tables.ts'

let office: Office
let head: Clerk
let low: Clerk
beforeAll(async () => {
  office = await openOffice()
  head = office.clerk(['*'])
  low = office.clerk(allRows)
}, 60_000)
afterAll(() => office.close())

const stored = async (id: string): Promise<Readonly<Record<string, unknown>>> =>
  rowOf(await office.ask(head, 'GET', `employees/${id}`))
const made = (values: object = {}): Promise<string> =>
  office.make(head, 'employees', { name: 'one', salary: 5, badge: 'old', rank: 'first', ...values })

test('a value for a field that is not his to give is refused by its name, and nothing is written', async () => {
  const before = (await stored(await made()))['createdAt']
  expect(before).toBeDefined()
  expect(outcome(await office.ask(low, 'POST', 'employees', { name: 'x', salary: 1 }))).toBe(
    '403 permission_denied /salary permission_denied',
  )
  expect(outcome(await office.ask(low, 'POST', 'employees', { name: 'x', badge: null, rank: 'high' }))).toBe(
    '403 permission_denied /badge permission_denied /rank permission_denied',
  )
  // What asks for a permission to read alone is written by whoever writes the row.
  expect(outcome(await office.ask(low, 'POST', 'employees', { name: 'x', grade: 'g1' }))).toBe('201')
  const id = await made()
  for (const patch of [{ salary: 9 }, { salary: null }, { name: 'other', badge: 'new' }, { dossier: { a: 1 } }])
    expect(outcome(await office.ask(low, 'PATCH', `employees/${id}`, patch))).toContain('403 permission_denied /')
  expect(await stored(id)).toMatchObject({ name: 'one', salary: 5, badge: 'old', version: 1 })
  const detail = (await office.ask(low, 'PATCH', `employees/${id}`, { salary: 9 })).json
  expect(detail).toMatchObject({ detail: 'This needs the permission employee.salary:update.' })
})

test('PUT leaves alone what is not his to write, so what GET gave can be put back', async () => {
  const id = await made({ note: 'n', dossier: { a: 1 } })
  const seen = rowOf(await office.ask(low, 'GET', `employees/${id}`))
  const put = await office.ask(low, 'PUT', `employees/${id}`, { ...seen, name: 'two' })
  expect(outcome(put)).toBe('200')
  expect(Object.hasOwn(rowOf(put), 'salary')).toBe(false)
  expect(outcome(await office.ask(low, 'PUT', `employees/${id}`, { name: 'three', salary: 1, badge: 'new' }))).toBe(
    '200',
  )
  expect(await stored(id)).toMatchObject({
    name: 'three',
    salary: 5,
    badge: 'old',
    rank: 'first',
    note: 'n',
    dossier: { a: 1 },
  })
  // Of who may write it too, an absent restricted field stays: he may not see that it is there.
  const writer = office.clerk([...allRows, 'employee.salary:update'])
  expect(outcome(await office.ask(writer, 'PUT', `employees/${id}`, { name: 'four' }))).toBe('200')
  expect(outcome(await office.ask(writer, 'PUT', `employees/${id}`, { name: 'five', salary: 6 }))).toBe('200')
  expect(await stored(id)).toMatchObject({ name: 'five', salary: 6, badge: 'old' })
  expect(outcome(await office.ask(head, 'PUT', `employees/${id}`, { name: 'six', salary: null }))).toBe('200')
  expect(await stored(id)).toMatchObject({ salary: null, badge: 'old' })
})

test('a scope of the field is asked of the locked row', async () => {
  const clerk = office.clerk([...allRows, 'employee.salary:update:own', 'employee.badge:update:own'])
  const mine = await office.make(clerk, 'employees', { name: 'mine', salary: 1, badge: 'b' })
  const theirs = await made()
  expect(outcome(await office.ask(clerk, 'PATCH', `employees/${mine}`, { salary: 2 }))).toBe('200')
  expect(outcome(await office.ask(clerk, 'PATCH', `employees/${theirs}`, { salary: 2 }))).toBe(
    '403 permission_denied /salary permission_denied',
  )
  expect(outcome(await office.ask(clerk, 'PUT', `employees/${theirs}`, { name: 'put', salary: 2, badge: 'b' }))).toBe(
    '200',
  )
  expect(await stored(theirs)).toMatchObject({ name: 'put', salary: 5, badge: 'old' })
  expect(await stored(mine)).toMatchObject({ salary: 2, badge: 'b' })
  const nobody = '01941f29-7c00-7aaa-8bbb-0123456789ff'
  expect(outcome(await office.ask(clerk, 'PATCH', `employees/${nobody}`, { salary: 2 }))).toBe('404 not_found')
})

test('a new row is asked by who will own it', async () => {
  const group = '01941f29-7c00-7aaa-8bbb-0123456789ab'
  const clerk = office.clerk([...allRows, 'employee.salary:update:group'], [group])
  expect(outcome(await office.ask(clerk, 'POST', 'employees', { name: 'x', salary: 1 }))).toContain('403')
  expect(outcome(await office.ask(clerk, 'POST', 'employees', { name: 'x', salary: 1, ownerGroupId: group }))).toBe(
    '201',
  )
})

test('in a bulk the row and the field are named, and all is rolled back', async () => {
  const id = await made()
  const operations = [
    { op: 'create', data: { name: 'bulk one' } },
    { op: 'create', data: { name: 'bulk two', salary: 1 } },
  ]
  expect(outcome(await office.ask(low, 'POST', 'employees/bulk', { operations }))).toBe(
    '403 permission_denied /operations/1/data/salary permission_denied',
  )
  const update = { op: 'update', id, data: { name: 'two', salary: 1 } }
  expect(outcome(await office.ask(low, 'POST', 'employees/bulk', { operations: [operations[0], update] }))).toBe(
    '403 permission_denied /operations/1/data/salary permission_denied',
  )
  expect((await office.ask(head, 'GET', 'employees?name[contains]=bulk')).body).toContain('"data":[]')
  expect(await stored(id)).toMatchObject({ name: 'one', salary: 5 })
})

describe('in code', () => {
  const refused = { code: 'permission_denied', errors: [{ path: '/salary' }] }

  test('ctx is held to the same rules', async () => {
    const id = await made()
    await expect(office.as(low, (ctx) => ctx.create(employees, { name: 'x', salary: 1 }))).rejects.toMatchObject(
      refused,
    )
    await expect(office.as(low, (ctx) => ctx.update(employees, id, { salary: 1 }))).rejects.toMatchObject(refused)
    const row = await office.as(low, (ctx) => ctx.update(employees, id, { name: 'renamed' }))
    expect(row.name).toBe('renamed')
    expect(Object.hasOwn(row, 'salary')).toBe(false)
    const clerk = office.clerk([...allRows, 'employee.salary:update:own'])
    await expect(office.as(clerk, (ctx) => ctx.update(employees, id, { salary: 1 }))).rejects.toMatchObject(refused)
    expect((await office.as(head, (ctx) => ctx.update(employees, id, { salary: 8 }))).salary).toBe(8)
  })

  test('an action covers the fields of its own row, and its answer shows none of them', async () => {
    const id = await made()
    const raised = await office.ask(low, 'POST', `employees/${id}/raise`, { by: 3 })
    expect([raised.status, Object.hasOwn(rowOf(raised), 'salary')]).toEqual([200, false])
    expect(await stored(id)).toMatchObject({ salary: 8 })
    expect(rowOf(await office.ask(head, 'POST', `employees/${id}/raise`, { by: 3 }))['salary']).toBe(11)
  })
})

test('equal tells nothing to who does not see the field', async () => {
  const id = await made({ grade: 'secret-grade' })
  // Immutable: for who reads it equal is fine, for others there is no difference between a hit and a miss.
  expect(outcome(await office.ask(head, 'PATCH', `employees/${id}`, { grade: 'secret-grade' }))).toBe('200')
  const [hit, miss] = [
    await office.ask(low, 'PATCH', `employees/${id}`, { grade: 'secret-grade' }),
    await office.ask(low, 'PATCH', `employees/${id}`, { grade: 'other' }),
  ]
  expect([outcome(hit), outcome(miss)]).toEqual(Array(2).fill('400 validation_failed /grade immutable'))
})

test('a json field that he does not see is replaced whole, not merged', async () => {
  const id = await made({ dossier: { a: 1, b: 2 } })
  const writer = office.clerk([...allRows, 'employee.dossier:update'])
  await office.ask(writer, 'PATCH', `employees/${id}`, { dossier: { c: 3 } })
  expect((await stored(id))['dossier']).toEqual({ c: 3 })
  await office.ask(head, 'PATCH', `employees/${id}`, { dossier: { d: 4 } })
  expect((await stored(id))['dossier']).toEqual({ c: 3, d: 4 })
})

test('what cannot be is a fault at start, with what to write', () => {
  const table = resourceTable('wages', {
    name: text().notNull(),
    a: integer().notNull(),
    b: text(),
    c: text(),
    d: text(),
  })
  const start = (): unknown =>
    createPlinth({
      database: embedded(),
      env: { ENVIRONMENT: 'test', SECRET_KEYS: `k:${randomBytes(32).toString('base64')}` },
      resources: [
        defineResource({
          table,
          fields: {
            a: { restricted: true },
            b: { restricted: true, secret: true },
            c: { restricted: 'write', readOnly: true },
            d: { restricted: 'all' as never },
            name: { restricted: 'read', hidden: true },
          },
        }),
      ],
    })
  try {
    start()
    expect.unreachable()
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    const words = error.faults.map((fault) => `${fault.path.replace('resource wage.fields.', '')}: ${fault.fix}`)
    expect(words).toEqual(
      expect.arrayContaining([
        "a: a: ….default(…), or let it be null, or restricted: 'read'",
        "b: restricted: 'write'",
        "c: restricted: 'read'",
        "d: restricted: true, 'read' or 'write'",
        'name: keep one of hidden and restricted',
      ]),
    )
  }
})
