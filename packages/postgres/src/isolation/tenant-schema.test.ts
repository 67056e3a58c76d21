import { text } from 'drizzle-orm/pg-core'
import { defineResource, readDeclaration, resourceTable } from '@plinth/core'
import { expect, test } from 'vitest'
import { isTenantSchema, tableInStatements, tenantSchema } from './tenant-schema.ts'

test('a schema is named after the id of its tenant and after nothing else', () => {
  const name = tenantSchema('0190A000-0000-7000-8000-00000000000a')
  expect(name).toBe('tenant_0190a000000070008000' + '00000000000a')
  expect(isTenantSchema(name)).toBe(true)
  for (const hostile of ['', 'acme', 'x"; drop schema public; --', '0190a000-0000-7000-8000-00000000000', 'public'])
    expect(() => tenantSchema(hostile)).toThrow('named after the id')
  for (const other of ['public', 'plinth', 'tenant_', 'tenant_acme', `x${name}`, `${name}x`])
    expect(isTenantSchema(other)).toBe(false)
})

test('what a product declares is each tenant’s own; what a feature brings is shared', () => {
  const table = resourceTable('sites', { name: text().notNull() })
  const resources = [defineResource({ table })]
  const [own] = readDeclaration(resources, [], []).resources
  const [shared] = readDeclaration([], [{ name: 'places', resources }], []).resources
  expect([tableInStatements(own!, 'schema'), tableInStatements(shared!, 'schema')]).toEqual([
    '"sites"',
    '"public"."sites"',
  ])
  expect([tableInStatements(own!, 'shared'), tableInStatements(shared!, 'shared')]).toEqual([
    '"public"."sites"',
    '"public"."sites"',
  ])
})
