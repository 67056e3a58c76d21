import { compare, defineResource, policy, resourceTable } from '@plinth/core'
import { integer, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dataOf, faultsOf, idOf, openHouse, outcome, type House, type Person } from './people.ts'

const employees = resourceTable('employees', { name: text().notNull(), salary: integer() })
const employee = defineResource({ table: employees, fields: { salary: { restricted: true } } })

let house: House
let admin: Person
let ada: string
beforeAll(async () => {
  house = await openHouse({ resources: [employee] })
  admin = await house.member('Ada', ['admin'])
  ada = idOf(await house.ask(admin, 'POST', 'employees', { name: 'Ada', salary: 5 }))
}, 60_000)
afterAll(() => house.close())

const sees = async (who: Person): Promise<boolean> => {
  const reply = await house.ask(who, 'GET', `employees/${ada}`)
  expect(reply.status, reply.body).toBe(200)
  return Object.hasOwn(reply.json as object, 'salary')
}

test('of the built-in roles, owner and admin read a restricted field', async () => {
  expect(await sees(admin)).toBe(true)
  expect(await sees(await house.member('Olga', ['owner']))).toBe(true)
  for (const role of ['developer', 'read_only']) expect(await sees(await house.member('Rita', [role]))).toBe(false)
  const user = await house.member('Uwe', ['user'])
  expect(outcome(await house.ask(user, 'POST', 'employees', { name: 'his', salary: 1 }))).toBe('403 permission_denied')
  const his = await house.ask(user, 'POST', 'employees', { name: 'his' })
  expect(Object.keys(his.json as object)).not.toContain('salary')
})

test('it is in the catalogue, in its own model, and a role names it', async () => {
  const listed = dataOf(await house.ask(admin, 'GET', 'permissions?model=employee.salary&pageSize=100&sort=name'))
  expect(listed.map((row) => row['name'])).toEqual(
    ['read', 'update'].flatMap((action) =>
      ['all', 'group', 'own'].map((scope) => `employee.salary:${action}:${scope}`),
    ),
  )
  const give = async (name: string, ...permissions: string[]): Promise<void> => {
    const reply = await house.ask(admin, 'POST', 'roles', { name, permissions })
    expect(reply.status, reply.body).toBe(201)
  }
  await give('reader', '*:read')
  await give('payroll', 'employee:read', 'employee.salary:read')
  await give('wages', 'employee:read', 'Employee.salary.read')
  expect(await sees(await house.member('Rea', ['reader']))).toBe(false)
  expect(await sees(await house.member('Pia', ['payroll']))).toBe(true)
  expect(await sees(await house.member('Wim', ['wages']))).toBe(true)
  expect(faultsOf(await house.ask(admin, 'POST', 'roles', { name: 'x', permissions: ['employee.name:read'] }))).toEqual(
    ['/permissions/0 unknown_permission'],
  )
})

test('nobody gives a permission to a field that he has not got', async () => {
  const permissions = ['role:*', 'employee:*', '*:read']
  await house.ask(admin, 'POST', 'roles', { name: 'hr', permissions })
  const hr = await house.member('Hal', ['hr'])
  const give = async (...given: string[]): Promise<string> =>
    outcome(await house.ask(hr, 'POST', 'roles', { name: `r${given.join('').length}`, permissions: given }))
  expect(await give('employee:read', 'employee.salary:read:own')).toBe('403 permission_denied')
  expect(await give('*')).toBe('403 permission_denied')
  expect(await give('employee:*')).toBe('201')
})

test('explain tells about the field, and about no row that is not seen', async () => {
  const reader = await house.member('Rita', ['read_only'])
  const explained = async (who: Person, query: string): Promise<Readonly<Record<string, unknown>>> => {
    const reply = await house.ask(who, 'GET', `explain?${query}`)
    expect(reply.status, reply.body).toBe(200)
    return reply.json as Readonly<Record<string, unknown>>
  }
  expect(await explained(reader, `action=employee.salary:read&id=${ada}`)).toMatchObject({
    decision: 'denied',
    sentence: 'Denied: Rita, who has the role read_only, does not hold employee.salary:read in any scope.',
  })
  expect(await explained(admin, `action=employee.salary:read&id=${ada}`)).toMatchObject({ decision: 'allowed' })
  await house.ask(admin, 'POST', 'roles', { name: 'self', permissions: ['employee:read', 'employee.salary:read:own'] })
  const self = await house.member('Sue', ['self'])
  expect((await explained(self, `action=employee.salary:read&id=${ada}`))['sentence']).toMatch(
    /^Denied: Sue may see this employee, but not read its salary\. /,
  )
  await house.ask(admin, 'POST', 'roles', { name: 'blind', permissions: ['employee.salary:read'] })
  const blind = await house.member('Bob', ['blind'])
  expect(await explained(blind, `action=employee.salary:read&id=${ada}`)).toMatchObject({
    decision: 'denied',
    answer: 'not_found',
  })
})

describe('with the ACL', () => {
  const say = async (effect: 'allow' | 'deny', resource: string, who: Person, recordId?: string): Promise<void> => {
    const body = { resource, principal: { kind: 'user', id: who.id }, effect, ...(recordId && { recordId }) }
    const reply = await house.ask(admin, 'POST', 'acl', body)
    expect(reply.status, reply.body).toBe(201)
  }
  const make = async (name: string): Promise<string> =>
    idOf(await house.ask(admin, 'POST', 'employees', { name, salary: 7 }))
  const salaries = async (who: Person, ...ids: string[]): Promise<readonly unknown[]> => {
    const rows = dataOf(await house.ask(who, 'GET', `employees?id[in]=${ids.join()}`))
    return ids.map((id) => rows.find((row) => row['id'] === id)?.['salary'])
  }
  let clerk: Person
  beforeAll(async () => {
    await house.ask(admin, 'POST', 'roles', { name: 'clerk', permissions: ['employee:*'] })
    await house.ask(admin, 'POST', 'roles', { name: 'accountant', permissions: ['employee:*', 'employee.salary:*'] })
  })
  beforeEach(async () => {
    clerk = await house.member('Cleo', ['clerk'])
  })

  test('one field of one row is shown, whichever way the row comes', async () => {
    const [one, other] = [await make('one'), await make('other')]
    await say('allow', 'Employee.salary.read', clerk, one)
    expect(await salaries(clerk, one, other)).toEqual([7, undefined])
    for (const [id, salary] of [
      [one, 7],
      [other, undefined],
    ] as const) {
      const read = await house.ask(clerk, 'GET', `employees/${id}`)
      const written = await house.ask(clerk, 'PATCH', `employees/${id}`, { name: 'changed' })
      const operations = [{ op: 'update', id, data: { name: 'again' } }]
      const bulk = await house.ask(clerk, 'POST', 'employees/bulk', { operations })
      expect((read.json as { salary?: unknown }).salary).toBe(salary)
      expect((written.json as { salary?: unknown }).salary).toBe(salary)
      expect((bulk.json as { results: { row: { salary?: unknown } }[] }).results[0]!.row.salary).toBe(salary)
      const { etag } = (await house.ask(clerk, 'GET', `employees/${id}`)).headers
      expect((await house.ask(clerk, 'GET', `employees/${id}`, undefined, { 'if-none-match': etag! })).status).toBe(304)
    }
    expect(faultsOf(await house.ask(clerk, 'GET', 'employees?sort=salary'))).toEqual(['?sort unknown_field'])
  })

  test('one field of one row may be written, and on that row alone', async () => {
    const [one, other] = [await make('one'), await make('other')]
    await say('allow', 'employee.salary:update', clerk, one)
    expect((await house.ask(clerk, 'PATCH', `employees/${one}`, { salary: 8 })).status).toBe(200)
    expect(outcome(await house.ask(clerk, 'PATCH', `employees/${other}`, { salary: 8 }))).toBe('403 permission_denied')
    expect(outcome(await house.ask(clerk, 'POST', 'employees', { name: 'new', salary: 8 }))).toBe(
      '403 permission_denied',
    )
    expect(await salaries(admin, one, other)).toEqual([8, 7])
  })

  test('a denial takes the field away, of that row alone', async () => {
    const [one, other] = [await make('one'), await make('other')]
    const accountant = await house.member('Acco', ['accountant'])
    await say('deny', 'employee.salary:*', accountant, one)
    expect(await salaries(accountant, one, other)).toEqual([undefined, 7])
    expect(outcome(await house.ask(accountant, 'PATCH', `employees/${one}`, { salary: 9 }))).toBe(
      '403 permission_denied',
    )
    expect((await house.ask(accountant, 'PATCH', `employees/${other}`, { salary: 9 })).status).toBe(200)
    const made = await house.ask(accountant, 'POST', 'employees', { name: 'new', salary: 5 })
    expect([made.status, (made.json as { salary?: unknown }).salary]).toEqual([201, 5])
    await say('deny', 'employee.salary:read', accountant)
    expect(await salaries(accountant, one, other)).toEqual([undefined, undefined])
    expect(await sees(accountant)).toBe(false)
  })
})

test('a policy narrows a field for everybody', async () => {
  const closed = policy({
    name: 'salaries of who has left are closed',
    action: ['employee.salary:read', 'employee.salary:update'],
    when: compare('name', 'ne', 'left'),
  })
  const narrowed = await openHouse({ resources: [employee], plinth: { policies: [closed] } })
  try {
    const owner = await narrowed.member('Olga', ['owner'])
    for (const name of ['here', 'left']) {
      const made = await narrowed.ask(owner, 'POST', 'employees', { name })
      const id = idOf(made)
      const patched = await narrowed.ask(owner, 'PATCH', `employees/${id}`, { salary: 5 })
      expect(outcome(patched)).toBe(name === 'here' ? '200' : '403 permission_denied')
      const read = (await narrowed.ask(owner, 'GET', `employees/${id}`)).json as object
      expect(Object.hasOwn(read, 'salary')).toBe(name === 'here')
      expect((await narrowed.ask(owner, 'GET', 'employees?sort=salary')).status).toBe(400)
    }
  } finally {
    await narrowed.close()
  }
})
