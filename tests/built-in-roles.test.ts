import { createHash } from 'node:crypto'
import { createPlinth, defineResource, resourceTable, silentLogger } from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { capturedMail } from '@plinth/testing'
import { text } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import { builtInRoles } from '../packages/features/rbac/src/built-in-roles.ts'
import { landedFeatures } from './feature-order/landed-features.ts'

const byText = (left: string, right: string): number => (left < right ? -1 : 1)
const sites = resourceTable('sites', { name: text().notNull() })

/*
 * What the built-in roles may do of all that the features bring. A feature that lands changes this table, so that somebody decides
 * whether everybody who may look shall see its rows.
 */
test('of the models of the platform, each built-in role may do this and no more', () => {
  const plinth = createPlinth({
    database: embedded('memory://'),
    resources: [defineResource({ table: sites })],
    features: landedFeatures(),
    mailer: capturedMail(),
    log: silentLogger,
    env: {
      ENVIRONMENT: 'test',
      PUBLIC_URL: 'https://app.example.com',
      SECRET_KEYS: `k1:${createHash('sha256').update('keys of the roles').digest('base64')}`,
    },
  })
  const platform = Object.fromEntries(
    builtInRoles(plinth.registry).map((role) => [
      role.name,
      role.permissions.filter((permission) => !permission.startsWith('site:')),
    ]),
  )
  // The token of a domain is in its public DNS: nobody who may look learns a secret from it. What a job was given has its own permission.
  const looking = ['domain', 'group', 'job', 'permission', 'role', 'user', 'userRole'].map(
    (model) => `${model}:read:all`,
  )
  expect(platform).toEqual({
    owner: ['*'],
    admin: ['*'],
    developer: [
      ...looking,
      'apiKey:create:all',
      'apiKey:delete:all',
      'apiKey:read:all',
      'job:create:all',
      'serviceAccount:read:all',
      'setting:read:all',
      // Where they go, and not what was sent there.
      'webhook:read:all',
    ].sort(byText),
    user: ['aclEntry:read:own', 'user:read:own', 'user:update:own'],
    read_only: looking,
  })
})
