import { and, compare, defineResource, isNull, policy, resourceTable } from '@plinth/core'
import { sql } from 'drizzle-orm'
import { integer, numeric, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openOffice, outcome, type Clerk, type Office } from './office.ts'

/* What a policy asks about a restricted field of a new row, it asks of the row as it is stored. */

const orders = resourceTable(
  'orders',
  {
    title: text().notNull(),
    status: text().notNull().default('draft'),
    /** The database's own word. */
    stage: text()
      .notNull()
      .default(sql`'first'`),
    total: numeric({ precision: 8, scale: 2 }),
    discount: integer(),
    code: text(),
    rebate: integer(),
    place: text(),
  },
  (table) => [uniqueIndex('orders_code_key').on(table.tenantId, table.code)],
)
const offers = resourceTable('offers', { title: text().notNull(), status: text(), discount: integer() })

let office: Office
let seller: Clerk
beforeAll(async () => {
  office = await openOffice({
    resources: [
      defineResource({
        table: orders,
        fields: {
          title: { filter: true },
          discount: { restricted: 'write' },
          code: { restricted: true },
          rebate: { restricted: 'write' },
          place: { restricted: 'write' },
        },
      }),
      defineResource({
        table: offers,
        fields: { title: { filter: true }, discount: { restricted: 'write' } },
        hooks: { beforeCreate: (_ctx, draft) => ({ ...draft, status: draft.title }) },
      }),
    ],
    plinth: {
      policies: [
        policy({
          name: 'discounts of small drafts alone',
          action: 'order.discount:update',
          when: and(compare('status', 'eq', 'draft'), compare('total', 'lte', '100.00')),
        }),
        policy({ name: 'codes of drafts alone', action: 'order.code:update', when: compare('status', 'eq', 'draft') }),
        policy({ name: 'rebates at first', action: 'order.rebate:update', when: compare('stage', 'eq', 'first') }),
        policy({ name: 'places where there is no total', action: 'order.place:update', when: isNull('total') }),
        policy({ name: 'what hooks made', action: 'offer.discount:update', when: compare('status', 'eq', 'open') }),
      ],
    },
  })
  seller = office.clerk([
    'order:*',
    'offer:*',
    ...['discount', 'code', 'rebate', 'place'].map((field) => `order.${field}:update`),
    'offer.discount:update',
  ])
}, 60_000)
afterAll(() => office.close())
beforeEach(() => office.platform.superuser.query('delete from orders').then(() => {}))

const create = async (body: object, path = 'orders'): Promise<string> =>
  outcome(await office.ask(seller, 'POST', path, body))
const count = async (): Promise<number> => (await office.platform.superuser.query('select id from orders')).length

test('the values given are seen, and the defaults of those that are not', async () => {
  expect(await create({ title: 'small', total: '50', discount: 5 })).toBe('201')
  expect(await create({ title: 'large', total: '500', discount: 5 })).toBe(
    '403 permission_denied /discount permission_denied',
  )
  expect(await create({ title: 'sent', status: 'sent', total: '50', discount: 5 })).toContain('403 permission_denied')
  // Unknown admits nothing.
  expect(await create({ title: 'no total', discount: 5 })).toContain('403 permission_denied')
  expect(await create({ title: 'without', status: 'sent', total: '500' })).toBe('201')
  expect(await count()).toBe(2)
})

test('as the database stores them: rounded, and with what it fills in itself', async () => {
  expect(await create({ title: 'rounded down', total: '100.004', discount: 5 })).toBe('201')
  expect(await create({ title: 'rounded up', total: '100.005', discount: 5 })).toContain('403')
  expect(await create({ title: 'stage', rebate: 5 })).toBe('201')
  expect(await create({ title: 'stage', stage: 'last', rebate: 5 })).toContain('403')
  expect(await create({ title: 'place', place: 'here' })).toBe('201')
  expect(await create({ title: 'place', place: 'here', total: '1' })).toContain('403')
  expect(await count()).toBe(3)
})

test('and as hooks leave them', async () => {
  expect(await create({ title: 'open', status: 'shut', discount: 5 }, 'offers')).toBe('201')
  expect(await create({ title: 'shut', status: 'open', discount: 5 }, 'offers')).toContain('403')
})

test('in a bulk the one that is refused is named, and none is written', async () => {
  const operations = [
    { op: 'create', data: { title: 'one', total: '1', discount: 1 } },
    { op: 'create', data: { title: 'two', status: 'sent', total: '1', discount: 1 } },
  ]
  expect(outcome(await office.ask(seller, 'POST', 'orders/bulk', { operations }))).toBe(
    '403 permission_denied /operations/1/data/discount permission_denied',
  )
  expect(await count()).toBe(0)
  const good = [operations[0], { op: 'create', data: { title: 'three', total: '2', discount: 1 } }]
  expect(outcome(await office.ask(seller, 'POST', 'orders/bulk', { operations: good }))).toBe('200')
})

test('in code too', async () => {
  const given = { title: 'code', status: 'sent', total: '1', discount: 1 }
  await expect(office.as(seller, (ctx) => ctx.create(orders, given))).rejects.toMatchObject({
    code: 'permission_denied',
    errors: [{ path: '/discount' }],
  })
  expect(await count()).toBe(0)
  await office.as(seller, (ctx) => ctx.create(orders, { ...given, status: 'draft' }))
  expect(await count()).toBe(1)
})

test('a conflict does not tell who may not give the field that its value is taken', async () => {
  expect(await create({ title: 'first', code: 'TAKEN' })).toBe('201')
  const [taken, free] = [
    await create({ title: 'guess', status: 'sent', code: 'TAKEN' }),
    await create({ title: 'guess', status: 'sent', code: 'FREE' }),
  ]
  expect([taken, free]).toEqual(Array(2).fill('403 permission_denied /code permission_denied'))
  const operations = ['TAKEN', 'FREE'].map((code) => ({ op: 'create', data: { title: 'guess', status: 'sent', code } }))
  expect(outcome(await office.ask(seller, 'POST', 'orders/bulk', { operations }))).toBe(
    '403 permission_denied /operations/0/data/code permission_denied',
  )
  // Whose it is to give is told.
  expect(await create({ title: 'second', code: 'TAKEN' })).toContain('409')
})
