import { compare, defineResource, type AnyResourceTable, resourceTable, templateColumns, templated } from '@plinth/core'
import { jsonb, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { openPlatform, type OpenPlatform } from './open-platform.ts'

const params = z.object({ seconds: z.int().min(1).default(10) })
const links = resourceTable('links', { name: text().notNull(), config: jsonb().notNull() })
const link = defineResource({
  table: links,
  fields: {
    config: {
      secret: true,
      schema: () =>
        z
          .object({ kind: z.string().optional(), key: z.string().optional() })
          .refine(
            ({ kind, key }) => kind === undefined || kind === key?.slice(0, kind.length),
            'kind is not of the key',
          ),
    },
  },
})
const plans = resourceTable('plans', { name: text().notNull(), ...templateColumns((): AnyResourceTable => plans) })
const visits = resourceTable('visits', { name: text().notNull(), ...templated(() => plans) })
const resources = [
  link,
  defineResource({ table: plans, hooks: { beforeList: () => compare('name', 'ne', 'hidden') } }),
  defineResource({ table: visits, template: { params } }),
]

let platform: OpenPlatform
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), resources)
})
afterAll(() => platform.close())
const call = (method: string, path: string, body?: unknown) => platform.call('acme', method, `/api/v1${path}`, body)

test('a secret json column is replaced whole: no member of a patch is judged beside what is kept', async () => {
  const { json } = await call('POST', '/links', { name: 'n', config: { key: 'sesame' } })
  const path = `/links/${String(json['id'])}`
  const right = await call('PATCH', path, { config: { kind: 'ses' } })
  const wrong = await call('PATCH', path, { config: { kind: 'wrong' } })
  expect([right.status, right.json['errors']]).toEqual([wrong.status, wrong.json['errors']])
  expect((await call('PATCH', path, { config: { key: 'other', kind: 'oth' } })).status).toBe(200)
  const [stored] = await platform.stored('select config from links')
  expect(JSON.parse(String(stored?.['config']))).toEqual({ key: 'other', kind: 'oth' })
})

test('a template that a hook hides from lists still gives its values to what comes from it', async () => {
  const { json: plan } = await call('POST', '/plans', { name: 'hidden', defaults: { seconds: 7 } })
  const { json: visit } = await call('POST', `/plans/${String(plan['id'])}/clone`, { name: 'v' })
  expect((await call('GET', '/plans')).json['data']).toEqual([])
  const read = await call('GET', `/visits/${String(visit['id'])}?include=resolved`)
  expect(read.json['resolved']).toMatchObject({ value: { seconds: 7 } })
})
