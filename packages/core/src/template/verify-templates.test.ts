import { integer, jsonb, text } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { StartupFault } from '../errors/startup-error.ts'
import { readDeclaration } from '../platform/read-declaration.ts'
import { defineResource, type Resource } from '../resource/define-resource.ts'
import { belongsTo } from '../table/belongs-to.ts'
import { resourceTable } from '../table/resource-table.ts'
import type { AnyResourceTable } from '../table/types.ts'
import { templateColumns, templated } from './columns.ts'
import type { AnyTemplateFacts } from './facts.ts'

const shapes = resourceTable('shapes', { name: text(), ...templateColumns((): AnyResourceTable => shapes) })
const boxes = resourceTable('boxes', { name: text(), ...templated(() => shapes) })
const params = z.object({ size: z.int().default(1), label: z.object({ text: z.string() }).optional() })

const faultsOf = (...resources: readonly Resource[]): readonly string[] => {
  const faults: StartupFault[] = []
  readDeclaration(resources, [], faults)
  for (const fault of faults) expect(fault.fix).not.toBe('')
  return faults.map((fault) => `${fault.path}: ${fault.problem}`)
}
const shape = defineResource({ table: shapes })
const boxWith = (template: AnyTemplateFacts): Resource => ({ ...defineResource({ table: boxes }), template })

test('a sound declaration has no fault, and the defaults take the schema of the params', () => {
  const faults: StartupFault[] = []
  const registry = readDeclaration(
    [shape, boxWith({ params, shared: { small: { name: 'S', defaults: {} } } })],
    [],
    faults,
  )
  expect(faults).toEqual([])
  const defaults = registry.byTable.get(shapes)!.byKey.get('defaults')!.schema
  expect(defaults.safeParse({ size: 2, label: { text: null } }).success).toBe(true)
  expect(defaults.safeParse({ size: 'two' }).success).toBe(false)
  expect(defaults.safeParse({ label: { colour: 1 } }).success).toBe(false)
  expect(registry.templates.ofTemplate.get(registry.byTable.get(shapes)!)?.instance.name).toBe('box')
})

test('the columns without the fact, and the fact without the columns', () => {
  const cups = resourceTable('cups', { name: text() })
  expect(faultsOf(shape, defineResource({ table: boxes }))).toEqual([
    'resource box: has the columns of templated() and does not say what its params are',
  ])
  expect(faultsOf({ ...defineResource({ table: cups }), template: { params } })).toEqual([
    'resource cup.template: the table lacks templateId, sharedTemplate, params, inheritance, pinnedLevels, or has it otherwise than templated() makes it',
  ])
})

test('columns of another kind than they must be', () => {
  const molds = resourceTable('molds', {
    parentTemplateId: belongsTo((): AnyResourceTable => molds, { onDelete: 'cascade' }),
    sharedParent: integer(),
  })
  const cups = resourceTable('cups', {
    ...templated(() => molds),
    templateId: belongsTo(() => molds, { onDelete: 'cascade' }),
    pinnedLevels: jsonb().notNull(),
  })
  const problems = faultsOf(defineResource({ table: molds }), {
    ...defineResource({ table: cups, operations: { create: false } }),
    template: { params },
  })
  expect(problems).toEqual([
    expect.stringContaining('resource cup.template: the table lacks templateId, pinnedLevels, or'),
    expect.stringContaining('molds, lacks parentTemplateId, sharedParent, defaults, or'),
  ])
})

test('a template table serves one resource, and comes from no template itself', () => {
  const cans = resourceTable('cans', { ...templated(() => shapes) })
  expect(faultsOf(shape, boxWith({ params }), { ...defineResource({ table: cans }), template: { params } })).toEqual([
    'resource can.template: box comes from shapes already, and their defaults have one schema only',
  ])
  const rings = resourceTable('rings', {
    ...templated((): AnyResourceTable => rings),
    ...templateColumns((): AnyResourceTable => rings),
  })
  expect(faultsOf({ ...defineResource({ table: rings }), template: { params } })).toContain(
    'resource ring.template: its rows are the templates of ring; a template has a parent, and comes from no other template',
  )
})

test('templates with ids of their own kind', () => {
  const kinds = resourceTable('kinds', { id: text().primaryKey(), ...templateColumns((): AnyResourceTable => kinds) })
  const cups = resourceTable('cups', { ...templated(() => kinds) })
  expect(
    faultsOf(defineResource({ table: kinds }), { ...defineResource({ table: cups }), template: { params } }),
  ).toContain('resource kind: has ids of its own kind, and rows refer to their templates by UUID')
})

test('params that cannot be inherited', () => {
  expect(faultsOf(shape, boxWith({ params: z.string() as never }))).toEqual([
    'resource box.template.params: is no z.object, and only objects merge',
  ])
  const odd = z.object({
    at: z.date(),
    much: z.string().transform(Number),
    no: z.string().nullable(),
    in: z.object({ no: z.null() }),
  })
  expect(faultsOf(shape, boxWith({ params: odd }))).toEqual([
    expect.stringContaining('resource box.template.params: does not come out as JSON'),
    'resource box.template.params.no: is nullable, but null in an override takes the value away (RFC 7396)',
    'resource box.template.params.in.no: is nullable, but null in an override takes the value away (RFC 7396)',
  ])
})

test('shared templates that say what the schema does not take, or lead nowhere', () => {
  const shared = {
    'Bad Key': { name: 'x', defaults: {} },
    big: { name: 'Big', defaults: { size: 'big' }, parent: 'huge' },
    lost: { name: 'Lost', defaults: { label: { colour: 'red' } }, parent: 'nowhere' },
    huge: { name: 'Huge', defaults: {}, parent: 'big' },
  }
  expect(faultsOf(shape, boxWith({ params, shared }))).toEqual([
    'resource box.template.shared.Bad Key: is no usable key',
    expect.stringContaining('resource box.template.shared.big.defaults.size: Invalid input'),
    'resource box.template.shared.big.parent: leads round in a circle, or through more than 16 templates',
    expect.stringContaining('resource box.template.shared.lost.defaults.label: Unrecognized key'),
    "resource box.template.shared.lost.parent: there is no shared template 'nowhere'",
    'resource box.template.shared.huge.parent: leads round in a circle, or through more than 16 templates',
  ])
})

test('actions with the name of a path that templates have', () => {
  const run = (): void => undefined
  const taken = { provenance: { run }, resync: { run }, clone: { run } }
  expect(faultsOf({ ...shape, actions: taken }, { ...boxWith({ params }), actions: taken })).toEqual([
    'resource box.actions.provenance: is what templates have at this path',
    'resource box.actions.resync: is what templates have at this path',
    'resource shape.actions.provenance: is what templates have at this path',
    'resource shape.actions.clone: is what templates have at this path',
  ])
})
