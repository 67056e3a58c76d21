import {
  always,
  closedView,
  compare,
  explainFor,
  fieldView,
  openView,
  type RawRow,
  type ReadOperation,
  type Scope,
} from '@plinth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allRows, openOffice, type Clerk, type Office } from './office.ts'
import { employees } from './staff-tables.ts'

/* What leaves the database, before anything is printed: a printer that went wrong could not show what it never got. */

let office: Office
let clerk: Clerk
let mine: string
let theirs: string
beforeAll(async () => {
  office = await openOffice()
  clerk = office.clerk([...allRows, 'employee.salary:read:own', 'employee.salary:update'])
  mine = await office.make(clerk, 'employees', { name: 'mine', salary: 1 })
  theirs = await office.make(office.clerk(['*']), 'employees', { name: 'theirs', salary: 2, note: 'n' })
}, 60_000)
afterAll(() => office.close())

async function raw(id: string, view: 'own' | 'open' | 'closed' | 'none'): Promise<readonly RawRow[]> {
  const { database, plinth, a } = office.platform
  const resource = plinth.registry.byTable.get(employees)!
  const principal = await office.as(clerk, async (ctx) => ctx.principal)
  const views = {
    own: fieldView(plinth.registry, principal, resource),
    open: openView(resource),
    closed: closedView(resource),
    none: undefined,
  }
  const scope: Scope = {
    tenantId: a.id,
    actor: principal,
    facts: { principalId: principal.id, userId: principal.userId, groupIds: principal.groupIds },
    requestId: 'raw',
    now: new Date(),
  }
  const session = database.session(scope)
  const chosen = views[view]
  const shown: Pick<ReadOperation, 'view'> = chosen ? { view: chosen } : {}
  const fields = resource.fields
  const sort = [{ field: resource.byKey.get('id')!, descending: false }]
  const listed = await session.list({
    resource,
    where: always,
    sort,
    after: undefined,
    limit: 10,
    offset: 0,
    fields,
    ...shown,
  })
  const related = await session.related({ resource, where: always, keys: [id], fields, by: 'id', ...shown })
  const read = await session.read({ resource, id, visible: always, ...shown })
  return [read!, listed.find((row) => row['id'] === id)!, related[0]!]
}

test('a value is read on the rows on which it is shown, with the mark that it is', async () => {
  for (const row of await raw(mine, 'own')) expect(row).toMatchObject({ salary: 1, '?salary': true })
  for (const row of await raw(theirs, 'own')) expect(row).toMatchObject({ salary: null, '?salary': false })
  for (const row of await raw(theirs, 'open')) {
    expect(row).toMatchObject({ salary: 2, note: 'n' })
    expect(Object.keys(row)).not.toContain('?salary')
  }
})

test('what is shown on no row, or asked for without a view, is not read at all', async () => {
  for (const view of ['closed', 'none'] as const) {
    for (const row of await raw(theirs, view)) {
      expect(row['name']).toBe('theirs')
      for (const key of ['salary', 'note', 'grade', 'dossier', 'bossId']) expect(Object.keys(row)).not.toContain(key)
    }
  }
  for (const row of await raw(theirs, 'own')) expect(Object.keys(row)).not.toContain('note')
})

test('no explanation tells the value, nor what it is compared with', async () => {
  const resource = office.platform.plinth.registry.byTable.get(employees)!
  const [row] = await raw(theirs, 'open')
  const facts = { principalId: clerk.id, userId: clerk.id, groupIds: [] }
  const words = JSON.stringify(explainFor(resource, compare('salary', 'lt', 73), facts, { ...row!, salary: 7_654_321 }))
  expect(words).not.toMatch(/73|7654321/)
})
