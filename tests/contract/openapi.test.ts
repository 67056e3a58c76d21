import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SwaggerParser from '@apidevtools/swagger-parser'
import { bigint, boolean, date, integer, jsonb, numeric, text, timestamp } from 'drizzle-orm/pg-core'
import {
  belongsTo,
  createPlinth,
  defineResource,
  deletedAt,
  resourceTable,
  silentLogger,
  type Feature,
  type Plinth,
  type Resource,
} from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { templateResources } from './templates-fixture.ts'

const sites = resourceTable('sites', { name: text().notNull() })
const projects = resourceTable('projects', {
  name: text().notNull(),
  state: text({ enum: ['draft', 'live'] })
    .notNull()
    .default('draft'),
  size: integer(),
  big: bigint({ mode: 'bigint' }),
  price: numeric(),
  open: boolean(),
  at: timestamp({ withTimezone: true }),
  on: date(),
  data: jsonb(),
  pin: text(),
  inner: text(),
  siteId: belongsTo(() => sites).notNull(),
})
/** Names that the platform's own schemas could have, and every kind of resource. */
const everyKind: readonly Resource[] = [
  ...['pages', 'problems'].map((name) =>
    defineResource({
      table: resourceTable(name, { name: text().notNull(), deletedAt: deletedAt() }),
      operations: { clear: true },
      compat: true,
    }),
  ),
  ...templateResources,
]
const platform = (basePath = '', features: readonly Feature[] = [], more: readonly Resource[] = []): Plinth =>
  createPlinth({
    database: embedded('memory://'),
    resources: [
      defineResource({ table: sites, operations: { delete: false } }),
      defineResource({
        table: projects,
        description: 'Work for a client',
        fields: {
          name: { search: true, sort: true, filter: true },
          pin: { secret: true },
          inner: { hidden: true },
          at: { filter: true },
        },
        actions: {
          archive: { input: z.object({ reason: z.string() }), run: () => undefined },
          count: { readOnly: true, output: z.object({ n: z.int() }), run: () => ({ n: 1 }) },
        },
      }),
      ...more,
    ],
    basePath,
    features,
    log: silentLogger,
    env: { ENVIRONMENT: 'development', DATA_DIR: mkdtempSync(join(tmpdir(), 'plinth-openapi-')) },
  })

test('the document is valid and clean under the recommended rules of redocly', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-openapi-'))
  const file = join(folder, 'openapi.json')
  writeFileSync(file, JSON.stringify(platform('', [], everyKind).openapi()))
  await SwaggerParser.validate(file)
  const lint = spawnSync('node_modules/.bin/redocly', ['lint', '--extends', 'recommended', '--format', 'json', file], {
    cwd: join(import.meta.dirname, '../..'),
    encoding: 'utf8',
    env: { ...process.env, REDOCLY_TELEMETRY: 'off' },
  })
  expect(JSON.parse(lint.stdout)).toMatchObject({ totals: { errors: 0, warnings: 0 } })
  rmSync(folder, { recursive: true })
}, 60_000)

test('it tells what clients rely on', () => {
  const document = platform('/tools').openapi() as unknown as {
    servers: unknown
    paths: Record<string, Record<string, never>>
    components: { schemas: Record<string, { properties: Record<string, Record<string, unknown>> }> }
  }
  expect(document.servers).toEqual([{ url: '/tools', 'x-internal': false }])
  const path = document.paths['/api/v1/projects/{id}']!
  expect(path['x-origin']).toBe('product')
  expect(document.paths['/api/v1/health']!['x-origin']).toBe('platform')
  expect(path['patch']!['x-permission']).toBe('project:update')
  expect(Object.keys(path)).toEqual(expect.arrayContaining(['get', 'put', 'patch', 'delete']))
  expect(document.paths['/api/v1/sites/{id}']).not.toHaveProperty('delete')
  expect(document.paths['/api/v1/projects/{id}/count']).toHaveProperty('get')
  expect(Object.keys(document.paths).filter((each) => !each.startsWith('/api/v1'))).toEqual([])
  const row = document.components.schemas['Project']!.properties
  expect(row['siteId']!['x-references']).toBe('sites')
  expect(Object.keys(row)).not.toEqual(expect.arrayContaining(['pin']))
  expect(Object.keys(row)).not.toEqual(expect.arrayContaining(['inner']))
  expect(Object.keys(row)).not.toEqual(expect.arrayContaining(['tenantId']))
})

test('every route that is listed is there, and every operation id is its own', () => {
  const plinth = platform()
  const document = plinth.openapi() as unknown as { paths: Record<string, Record<string, { operationId?: string }>> }
  const ids: string[] = []
  for (const route of plinth.routes.filter((each) => !each.unlisted)) {
    const operation = document.paths[route.path.replace(/:(\w+)/g, '{$1}')]?.[route.method.toLowerCase()]
    expect(operation, `${route.method} ${route.path}`).toBeDefined()
    ids.push(operation!.operationId!)
  }
  expect(new Set(ids).size).toBe(ids.length)
})

test('it names the ways to show a credential that somebody reads, and no other', () => {
  const reading = (...kinds: readonly ('bearer' | 'apiKey' | 'cookie')[]): unknown => {
    const reader: Feature = { name: 'reader', slots: { auth: [{ kinds, read: () => undefined }] } }
    const document = platform('', [reader]).openapi()
    const names = Object.keys(document.components?.securitySchemes ?? {})
    expect(document.security).toEqual(names.map((name) => ({ [name]: [] })))
    return names
  }
  expect(reading('cookie', 'bearer', 'apiKey')).toEqual(['bearer', 'apiKey', 'cookie'])
  expect(reading('apiKey')).toEqual(['apiKey'])
  expect(reading()).toEqual(['bearer'])
})

test('every tag is described, and those of the product come first', () => {
  const { tags } = platform().openapi()
  expect(tags).toEqual([
    { name: 'project', description: 'Work for a client' },
    { name: 'site', description: 'Rows of sites' },
    { name: 'about', description: 'What this service is, and this document' },
    { name: 'health', description: 'Whether the service and what it depends on are well' },
  ])
})

test('every JSON has an example, of requests and of answers', () => {
  const { paths } = platform('', [], everyKind).openapi() as unknown as {
    paths: Record<string, Record<string, { requestBody?: Body; responses: Record<string, Body> }>>
  }
  type Body = { content?: Record<string, { example?: unknown }> }
  expect(paths['/api/v1/projects/{id}/archive']?.['post']?.requestBody?.content?.['application/json']?.example).toEqual(
    {
      reason: 'Example reason',
    },
  )
  expect(
    paths['/api/v1/projects/{id}/count']?.['get']?.responses['200']?.content?.['application/json']?.example,
  ).toEqual({
    n: 1,
  })
  const without: string[] = []
  for (const [path, item] of Object.entries(paths)) {
    for (const method of ['get', 'post', 'put', 'patch', 'delete'].filter((each) => item[each])) {
      const { requestBody, responses } = item[method]!
      for (const body of [requestBody, ...Object.values(responses)]) {
        for (const [type, media] of Object.entries(body?.content ?? {})) {
          if (type.endsWith('json') && !type.endsWith('ndjson') && media.example === undefined)
            without.push(`${method} ${path} ${type}`)
        }
      }
    }
  }
  expect(without).toEqual([])
})
