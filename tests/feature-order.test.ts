import { createHash } from 'node:crypto'
import { createPlinth, silentLogger, type Feature, type Plinth } from '@plinth/core'
import { embedded, postgres } from '@plinth/postgres'
import { postgresJsDriver } from '@plinth/postgres/driver'
import {
  capturedMail,
  depot,
  folders,
  prices,
  seededRandom,
  testClock,
  createDatabase,
  loginUrl,
} from '@plinth/testing'
import { expect, inject, test } from 'vitest'
import { readCatalog } from '../packages/postgres/src/catalog/read-catalog.ts'
import { converse, type Exchange } from './feature-order/conversation.ts'
import { landedFeatures } from './feature-order/landed-features.ts'

/*
 * The order in which features stand in `features` means nothing: not to the document, the routes, the database, nor to anything that is
 * answered. The same for the resources of the product.
 */
const ORDERS = 20
const env = {
  ENVIRONMENT: 'test',
  PUBLIC_URL: 'https://app.example.com',
  SECRET_KEYS: `k1:${createHash('sha256').update('keys of the order').digest('base64')}`,
}

function shuffled<T>(list: readonly T[], seed: string): readonly T[] {
  const random = seededRandom(seed)
  return list
    .map((one) => ({ one, at: random.next() }))
    .sort((left, right) => left.at - right.at)
    .map(({ one }) => one)
}

/** Few, for their tables are made twenty times. */
const product = depot.filter(({ table }) => table === folders || table === prices)

const featuresIn = (order: number): readonly Feature[] => shuffled(landedFeatures(), `features ${order}`)

function create(order: number, database: Parameters<typeof createPlinth>[0]['database']): Plinth {
  return createPlinth({
    database,
    resources: shuffled(product, `resources ${order}`),
    features: featuresIn(order),
    clock: testClock(),
    mailer: capturedMail(),
    log: silentLogger,
    env,
    notFound: 'plinth',
  })
}

function declared(plinth: Plinth): object {
  return {
    openapi: plinth.openapi(),
    routes: plinth.routes.map((route) => `${route.method} ${route.path} ${route.operationId}`),
    paths: plinth.paths,
    permissions: plinth.registry.permissions.names,
    features: plinth.registry.features.map((feature) => feature.name),
    commands: plinth.commands.map((command) => command.name),
  }
}

test('twenty orders are twenty orders', () => {
  const orders = Array.from({ length: ORDERS }, (_, order) =>
    featuresIn(order)
      .map((feature) => feature.name)
      .join(),
  )
  expect(new Set(orders).size).toBeGreaterThan(ORDERS / 2)
})

test('the document, the routes and the permissions are the same in every order', { timeout: 120_000 }, () => {
  const first = JSON.stringify(declared(create(0, embedded('memory://'))))
  for (let order = 1; order < ORDERS; order += 1)
    expect(JSON.stringify(declared(create(order, embedded('memory://')))), `order ${order}`).toBe(first)
})

test('the database and one conversation are the same in every order', { timeout: 600_000 }, async () => {
  let first: { readonly catalog: object; readonly conversation: readonly Exchange[] } | undefined
  for (let order = 0; order < ORDERS; order += 1) {
    const found = await lived(order)
    first ??= found
    expect(found.conversation, `order ${order}`).toEqual(first.conversation)
    expect(found.catalog, `order ${order}`).toEqual(first.catalog)
  }
  // A conversation in which everything was refused would be the same, too.
  const statuses = first!.conversation.map(([request, status]) => `${status} ${request.replace(/<id \d+>/, ':id')}`)
  expect(statuses).toEqual([
    '201 POST /api/v1/auth/register',
    '200 GET /api/v1/auth/me',
    '200 GET /api/v1/tenants',
    '201 POST /api/v1/folders',
    '201 POST /api/v1/users',
    '200 POST /api/v1/auth/login',
    '404 GET /api/v1/folders/:id',
    '403 POST /api/v1/roles',
    '400 POST /api/v1/roles',
    '201 POST /api/v1/roles',
    '201 POST /api/v1/user-roles',
    '200 GET /api/v1/folders/:id',
    '403 PATCH /api/v1/folders/:id',
    '200 GET /api/v1/explain?action=folder:update&id=:id',
    '200 GET /api/v1/roles?sort=name&count=exact',
    '200 GET /api/v1/permissions?model=folder&sort=name',
    '200 GET /api/v1/user-roles?sort=createdAt&userId=:id',
    '409 DELETE /api/v1/roles/:id',
    '200 GET /api/v1/users?sort=name',
    '200 GET /api/v1/folders',
    '401 GET /api/v1/folders',
    '405 DELETE /api/v1/folders',
    '200 GET /docs/errors/built_in',
    '200 GET /health',
  ])
})

async function lived(order: number): Promise<{ readonly catalog: object; readonly conversation: readonly Exchange[] }> {
  const stored = await createDatabase(inject('postgresUrl'))
  const { url } = stored
  const plinth = create(order, postgres(loginUrl(url, 'plinth_app'), { ownerUrl: url, max: 4 }))
  const owner = postgresJsDriver(url, {
    max: 1,
    applicationName: 'tests',
    prepare: false,
    statementTimeoutMs: 0,
    connectTimeoutSeconds: 10,
  })
  try {
    await plinth.migrate()
    const { tables, views, functions } = await readCatalog(owner)
    const plain = tables.map(({ written, ...table }) => ({ ...table, written: typeof written }))
    return { catalog: { tables: plain, views, functions }, conversation: await converse(plinth) }
  } finally {
    await owner.close()
    await plinth.close()
    await stored.drop()
  }
}
