import { randomBytes } from 'node:crypto'
import { createPlinth } from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { expect, test } from 'vitest'
import { staff } from './staff-tables.ts'

const plinth = createPlinth({
  database: embedded(),
  env: { ENVIRONMENT: 'test', SECRET_KEYS: `k:${randomBytes(32).toString('base64')}` },
  resources: staff,
})

interface Schema {
  readonly required?: readonly string[]
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

test('OpenAPI says that a restricted field may be absent, and what it takes to see and to give it', () => {
  const { schemas } = plinth.openapi().components as unknown as { readonly schemas: Readonly<Record<string, Schema>> }
  const { Employee: shown, EmployeeCreate: given } = schemas
  expect(shown!.required).toEqual(expect.arrayContaining(['name', 'badge', 'rank']))
  for (const key of ['salary', 'note', 'grade', 'dossier', 'bossId']) expect(shown!.required).not.toContain(key)
  expect(shown!.properties['salary']).toMatchObject({
    'x-permission': 'employee.salary:read',
    description: 'Cents a month. Only with the permission employee.salary:read',
  })
  expect(shown!.properties['badge']).not.toHaveProperty('x-permission')
  expect(JSON.stringify(given!.properties['badge'])).toContain('"x-permission":"employee.badge:update"')
  expect(JSON.stringify(given!.properties['grade'])).not.toContain('x-permission')
})

test('what may be null is of no type that cannot be, with whatever words it is described', () => {
  const { Employee: shown } = (plinth.openapi().components as unknown as { schemas: Record<string, Schema> }).schemas
  const { dossier } = shown!.properties
  expect(dossier).toMatchObject({ 'x-permission': 'employee.dossier:read', anyOf: [{}, { type: 'null' }] })
  for (const demand of ['type', 'maxLength', 'maxItems']) expect(dossier).not.toHaveProperty(demand)
})

test('the registry has the permissions of fields, and no others', () => {
  const names = plinth.registry.permissions.names.filter((name) => name.startsWith('employee.'))
  expect(names.sort()).toEqual([
    'employee.badge:update',
    'employee.bossId:read',
    'employee.bossId:update',
    'employee.dossier:read',
    'employee.dossier:update',
    'employee.grade:read',
    'employee.note:read',
    'employee.note:update',
    'employee.rank:update',
    'employee.salary:read',
    'employee.salary:update',
  ])
})
