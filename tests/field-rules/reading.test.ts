import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRows, dataOf, openOffice, outcome, rowOf, type Clerk, type Office } from './office.ts'
import { employees } from './staff-tables.ts'

let office: Office
let head: Clerk
let low: Clerk
let boss: string
let ada: string
beforeAll(async () => {
  office = await openOffice()
  head = office.clerk(['*'])
  low = office.clerk(allRows)
  boss = await office.make(head, 'employees', { name: 'Bea', salary: 900 })
  const values = { name: 'Ada', salary: 500, note: 'gifted', dossier: { a: 1 }, badge: 'b-1', bossId: boss }
  ada = await office.make(head, 'employees', values)
}, 60_000)
afterAll(() => office.close())

const restricted = ['salary', 'note', 'grade', 'dossier', 'bossId']

test('a restricted field is absent for who may not read it, and no null', async () => {
  const whole = rowOf(await office.ask(head, 'GET', `employees/${ada}`))
  expect(whole).toMatchObject({ name: 'Ada', salary: 500, note: 'gifted', dossier: { a: 1 }, bossId: boss })
  const row = rowOf(await office.ask(low, 'GET', `employees/${ada}`))
  expect(row).toMatchObject({ name: 'Ada', badge: 'b-1' })
  for (const key of restricted) expect(Object.keys(row)).not.toContain(key)
  const [listed] = dataOf(await office.ask(low, 'GET', `employees?id=${ada}`))
  expect(listed).toEqual(row)
})

test('own and group are asked of each row, in the same list', async () => {
  const group = '01941f29-7c00-7aaa-8bbb-0123456789ab'
  const clerk = office.clerk(
    [
      ...allRows,
      'employee.salary:read:own',
      'employee.note:read:group',
      'employee.salary:update',
      'employee.note:update',
    ],
    [group],
  )
  const colleague = office.clerk(['*'], [group])
  const mine = await office.make(clerk, 'employees', { name: 'mine', salary: 1, note: 'n1' })
  const ours = await office.make(colleague, 'employees', { name: 'ours', salary: 2, note: 'n2', ownerGroupId: group })
  const theirs = await office.make(head, 'employees', { name: 'theirs', salary: 3, note: 'n3' })
  const shown = (row: Readonly<Record<string, unknown>>): unknown => [row['salary'], row['note']]
  const rows = new Map(
    dataOf(await office.ask(clerk, 'GET', `employees?id[in]=${mine},${ours},${theirs}`)).map((row) => [row['id'], row]),
  )
  expect(shown(rows.get(mine)!)).toEqual([1, undefined])
  expect(shown(rows.get(ours)!)).toEqual([undefined, 'n2'])
  expect(shown(rows.get(theirs)!)).toEqual([undefined, undefined])
  for (const [id, row] of rows) {
    expect(rowOf(await office.ask(clerk, 'GET', `employees/${String(id)}`))).toEqual(row)
    const inCode = await office.as(clerk, (ctx) => ctx.read(employees, String(id)))
    for (const key of restricted) expect(Object.hasOwn(inCode, key)).toBe(Object.hasOwn(row, key))
  }
  const csv = (await office.ask(clerk, 'GET', `employees?format=csv&fields=name&id[in]=${mine},${ours}`)).body
  expect(csv).toBe('name\r\nours\r\nmine\r\n')
  const whole = (await office.ask(clerk, 'GET', `employees?format=csv&id[in]=${mine},${theirs}`)).body.split('\r\n')
  const header = whole[0]!.split(',')
  expect(header).toContain('salary')
  expect(header).not.toContain('grade')
  expect(whole.slice(1, 3).map((line) => line.split(',')[header.indexOf('salary')])).toEqual(['', '1'])
})

describe('nobody finds out by asking', () => {
  const questions = [
    ...['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'isNull'].map((op) => `salary[${op}]=500`),
    'salary=500',
    'note[contains]=gift',
    'bossId[isNull]=true',
    'sort=salary',
    'sort=-note,name',
    'fields=name,salary',
    'include=boss',
    'include=reports',
    'include=boss&fields=id,boss.name',
  ]
  test.each(questions)('%s is refused as if there were no such field', async (question) => {
    const reply = await office.ask(low, 'GET', `employees?${question}`)
    expect(reply.status).toBe(400)
    const unknown = question.replaceAll('salary', 'nothing').replaceAll('note', 'nothing').replaceAll('boss', 'nothing')
    const other = await office.ask(low, 'GET', `employees?${unknown.replaceAll('reports', 'nothings')}`)
    const words = (body: string): string =>
      body.replace(/"requestId":"[^"]*"/, '').replaceAll(/nothings?|salary|note|boss|reports/g, 'X')
    expect(words(reply.body)).toBe(words(other.body))
    expect((await office.ask(head, 'GET', `employees?${question.replace('isNull]=500', 'isNull]=true')}`)).status).toBe(
      200,
    )
  })

  test('who reads the field on some rows asks for none by it', async () => {
    const clerk = office.clerk([...allRows, 'employee.salary:read:own'])
    for (const question of ['salary=500', 'sort=salary', 'fields=salary'])
      expect((await office.ask(clerk, 'GET', `employees?${question}`)).status).toBe(400)
  })

  test('a search looks into what is read everywhere', async () => {
    const names = async (who: Clerk): Promise<unknown[]> =>
      dataOf(await office.ask(who, 'GET', 'employees?search=gifted')).map((row) => row['name'])
    expect(await names(head)).toEqual(['Ada'])
    expect(await names(low)).toEqual([])
    expect(await names(office.clerk([...allRows, 'employee.note:read']))).toEqual(['Ada'])
  })

  test('code that asks in his name is refused, too', async () => {
    for (const request of [{ where: { salary: 500 } }, { sort: ['-salary'] }] as const) {
      const refused = office.as(low, (ctx) => ctx.list(employees, request as never))
      await expect(refused).rejects.toMatchObject({ code: 'invalid_query', status: 400 })
      expect(await office.as(head, (ctx) => ctx.list(employees, request as never))).not.toEqual([])
    }
    await expect(office.as(low, (ctx) => ctx.list(employees, { where: { badge: 'b-1' } }))).resolves.toHaveLength(1)
  })

  test('a cursor is of one view', async () => {
    const first = await office.ask(head, 'GET', 'employees?pageSize=1')
    const { nextCursor } = (first.json as { readonly page: { readonly nextCursor: string } }).page
    const next = `employees?pageSize=1&cursor=${nextCursor}`
    expect((await office.ask(head, 'GET', next)).status).toBe(200)
    expect(outcome(await office.ask(low, 'GET', next))).toBe('400 invalid_cursor')
  })
})

test('a tag tells versions of a view apart, and nothing else', async () => {
  const path = `employees/${await office.make(head, 'employees', { name: 'tagged', salary: 1 })}`
  const tag = async (who: Clerk): Promise<string> => (await office.ask(who, 'GET', path)).headers['etag']!
  const before = [await tag(head), await tag(low)] as const
  expect(before[0]).not.toBe(before[1])
  expect(before[0].split('-')[0]).toBe(before[1].split('-')[0])
  const others = await office.ask(head, 'GET', path, undefined, { 'if-none-match': before[1] })
  expect(others.status).toBe(200)
  expect((await office.ask(low, 'GET', path, undefined, { 'if-none-match': before[1] })).status).toBe(304)
  // The same version under another right is another answer, on that row alone.
  const clerk = office.clerk([...allRows, 'employee.salary:read:own', 'employee.salary:update'])
  const mine = `employees/${await office.make(clerk, 'employees', { name: 'mine', salary: 7 })}`
  const own = (await office.ask(clerk, 'GET', mine)).headers['etag']!
  expect((await office.ask(clerk, 'GET', path)).headers['etag']).toBe(before[1])
  clerk.permissions = allRows
  const lost = await office.ask(clerk, 'GET', mine, undefined, { 'if-none-match': own })
  expect([lost.status, rowOf(lost)['salary']]).toEqual([200, undefined])
})

test('wildcards of rows hold no field; all of everything does', async () => {
  const sees = async (...permissions: string[]): Promise<boolean> =>
    Object.hasOwn(rowOf(await office.ask(office.clerk(permissions), 'GET', `employees/${ada}`)), 'salary')
  expect(await sees('employee:*')).toBe(false)
  expect(await sees('*:read')).toBe(false)
  expect(await sees('*:read', '*:update', '*:create', '*:delete')).toBe(false)
  expect(await sees('*')).toBe(true)
  expect(await sees('*:*')).toBe(true)
  expect(await sees('employee:read', 'employee.salary:*')).toBe(true)
  expect(await sees('employee:read', 'employee.salary:read')).toBe(true)
  expect(await sees('employee:read', 'employee.note:read')).toBe(false)
})
