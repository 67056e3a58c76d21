import { createPlinth, StartupError } from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { depot } from '@plinth/testing'
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { rbac, type RbacOptions } from './rbac.ts'

/** Nothing is connected: what is wrong is found before. */
function faultsOf(roles: RbacOptions['roles'], features = [rbac(roles === undefined ? {} : { roles })]): string {
  try {
    createPlinth({
      database: embedded('memory://'),
      resources: depot,
      features,
      env: { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` },
    })
    return ''
  } catch (error) {
    if (error instanceof StartupError) return error.message
    throw error
  }
}

test('roles of the product are read at start, and every fault is told at once', () => {
  expect(faultsOf({ support: { permissions: ['crate:read', '*:read', '*'] } })).toBe('')
  expect(faultsOf({ user: { permissions: ['crate:read:own'] } })).toBe('')
  const told = faultsOf({
    support: { permissions: ['crate:raed', 'craet:read', 'crate:read:mine'] },
    'Client Manager': { permissions: [] },
    admin: { permissions: ['crate:read'] },
    superadmin: { permissions: ['*'] },
  })
  expect(told).toContain('6 faults')
  expect(told).toContain("There is no action 'raed' of crate; nearest: read")
  expect(told).toContain("There is no model 'craet'; nearest: crate")
  expect(told).toContain('rbac.roles.Client Manager: is no name of a role')
  expect(told).toContain("what admin may do is not the product's to say")
})

test('roles of the product may be written in any spelling', () => {
  const own = {
    permissions: [
      'Crate.read',
      { action: 'read', resource: 'folders' },
      { model: 'crate', action: 'update', scope: 'own' },
    ],
  } as const
  expect(faultsOf({ support: own })).toBe('')
  const told = faultsOf({ support: { permissions: ['Crat.read', { action: 'raed', resource: 'crates' }, 'crate:'] } })
  expect(told).toContain('3 faults')
  expect(told).toContain('rbac.roles.support.permissions.1: {"action":"raed","resource":"crates"} is no permission')
  expect(told).toContain('nearest: crate')
})

test('two features that say what roles may do are a fault', () => {
  expect(
    faultsOf(undefined, [
      rbac(),
      { ...rbac(), name: 'other', resources: [], tables: [], routes: () => [], migrations: [] },
    ]),
  ).toContain('the roles slot is filled by')
})
