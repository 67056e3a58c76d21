import { inet, integer, text } from 'drizzle-orm/pg-core'
import { pgTable, uuid } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import type { StartupFault } from '../errors/startup-error.ts'
import { readDeclaration } from '../platform/read-declaration.ts'
import { belongsTo } from '../table/belongs-to.ts'
import { resourceTable } from '../table/resource-table.ts'
import { defineResource, type Resource } from './define-resource.ts'

const sites = resourceTable('sites', { name: text().notNull(), count: integer() })
const faultsOf = (resources: readonly Resource[]): readonly string[] => {
  const faults: StartupFault[] = []
  readDeclaration(resources, [], faults)
  for (const fault of faults) expect(fault.fix).not.toBe('')
  return faults.map((fault) => `${fault.path}: ${fault.problem}`)
}

test('names follow from the table', () => {
  const resources = ['sites', 'monitor_templates', 'agencies', 'statuses'].map((name) =>
    defineResource({ table: resourceTable(name, { name: text() }) }),
  )
  const registry = readDeclaration(resources, [], [])
  expect(registry.resources.map((info) => [info.name, info.path])).toEqual([
    ['agency', 'agencies'],
    ['monitorTemplate', 'monitor-templates'],
    ['site', 'sites'],
    ['status', 'statuses'],
  ])
})

test('a sound declaration has no fault', () => {
  expect(faultsOf([defineResource({ table: sites, fields: { name: { search: true } } })])).toEqual([])
})

test('every fault is found, each with its path', () => {
  const pages = resourceTable('pages', { title: text(), blob: inet(), siteId: belongsTo(() => sites) })
  const loose = { table: pgTable('loose', { id: uuid().primaryKey() }) } as never
  const faults = faultsOf([
    defineResource({ table: pages, fields: { title: { secret: true, filter: true } } }),
    defineResource(loose),
    defineResource({ table: resourceTable('health', { name: text() }) }),
    {
      ...defineResource({ table: resourceTable('tags', { name: text() }) }),
      fields: { nmae: {}, name: { serach: true } },
      operations: { creat: false } as never,
      actions: { read: {} },
    },
  ])
  expect(faults).toEqual([
    'resource page.fields.title: a secret or hidden field could be guessed by filter, sort or search',
    expect.stringContaining('resource page.fields.blob: columns of type inet'),
    expect.stringContaining('the table was not made by resourceTable'),
    'resource tag.fields.name.serach: is no fact about a field',
    'resource tag.fields.nmae: is no column of the table',
    'resource tag.actions.read: has the name of an operation',
    'resource tag.actions.read: has no run',
    'resource tag.operations.creat: is no operation',
    'resource health: /health is a path of the platform',
    'resource page.fields.siteId: points at a table that is no resource of this platform',
  ])
})

test('the order of resources means nothing', () => {
  const a = defineResource({ table: sites })
  const b = defineResource({ table: resourceTable('tags', { name: text() }) })
  const names = (resources: readonly Resource[]): readonly string[] =>
    readDeclaration(resources, [], []).permissions.names
  expect(names([a, b])).toEqual(names([b, a]))
})
