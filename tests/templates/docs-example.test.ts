import { text } from 'drizzle-orm/pg-core'
import {
  defineResource,
  deletedAt,
  resourceTable,
  templateColumns,
  templated,
  type AnyResourceTable,
} from '@plinth/core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { openPlatform, type OpenPlatform } from '../contract/open-platform.ts'
import { read } from '../files.ts'

const params = z.object({
  method: z.enum(['GET', 'HEAD']).default('GET'),
  timeout: z.int().min(1).max(60).default(10),
  headers: z.record(z.string(), z.string()).optional(),
})
type Params = z.output<typeof params>
const monitorTemplates = resourceTable('monitor_templates', {
  name: text().notNull(),
  ...templateColumns<Params>((): AnyResourceTable => monitorTemplates),
  deletedAt: deletedAt(),
})
const monitors = resourceTable('monitors', { name: text().notNull(), ...templated<Params>(() => monitorTemplates) })

let platform: OpenPlatform
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), [
    defineResource({ table: monitorTemplates }),
    defineResource({
      table: monitors,
      template: { params, shared: { web: { name: 'Web page', defaults: { headers: { accept: '*/*' } } } } },
    }),
  ])
})
afterAll(() => platform.close())

interface Request {
  readonly method: string
  readonly path: string
  readonly body: string
  readonly status: number
  /** JSON that the answer holds, and the name under which its id is remembered. */
  readonly answer: string
  readonly name: string | undefined
  readonly state: boolean
}

/** ```http example blocks: request line, body, `→ status [as name] [answer]`, `→ state`. */
function requestsOf(document: string): readonly Request[] {
  const [, block = ''] = /```http example\n([\s\S]*?)```/.exec(document) ?? []
  return block
    .trim()
    .split('\n\n')
    .map((text) => {
      const [head = '', said = ''] = text.split(/\n→ (?=\d)/)
      const [line = '', ...body] = head.split('\n')
      const [method = '', path = ''] = line.split(' ')
      const parts = /^(\d+)(?: as (\w+))?([\s\S]*?)(\n→ state)?$/.exec(said)
      if (!parts) throw new Error(`no answer is told of ${line}`)
      const [, status, name, answer = '', state] = parts
      return { method, path, body: body.join('\n'), status: Number(status), name, answer, state: state !== undefined }
    })
}

test('the worked example of docs/templates.md goes as it is told', async () => {
  const requests = requestsOf(read('docs/templates.md'))
  expect(requests).toHaveLength(10)
  const known = new Map<string, string>()
  const filled = (text: string): string =>
    text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => known.get(name) ?? whole)
  for (const { method, path, body, status, answer, name, state } of requests) {
    const said = await platform.call('acme', method, filled(path), body === '' ? undefined : JSON.parse(filled(body)))
    expect([`${method} ${path}`, said.status], said.text).toEqual([`${method} ${path}`, status])
    if (name !== undefined) known.set(name, String(said.json['id']))
    if (state) known.set('state', String(said.json['state']))
    if (answer.trim() === '') continue
    const told = JSON.parse(filled(answer), (_, value: unknown) =>
      value === '{any}' ? (expect.any(String) as unknown) : value,
    ) as Record<string, unknown>
    expect(Object.fromEntries(Object.keys(told).map((key) => [key, said.json[key]]))).toEqual(told)
  }
})
