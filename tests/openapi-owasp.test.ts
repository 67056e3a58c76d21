import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import spectral, { type RulesetDefinition } from '@stoplight/spectral-core'
import * as owasp from '@stoplight/spectral-owasp-ruleset'
import { auth } from '@plinth/auth'
import { createPlinth, defineResource, resourceTable, silentLogger } from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { tenants } from '@plinth/tenants'
import { capturedMail, crates, folders } from '@plinth/testing'
import { integer, text } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'

interface Exception {
  readonly rule: string
  /** Where alone it does not hold. */
  readonly at: RegExp
  readonly reason: string
}

const exceptions: readonly Exception[] = [
  {
    rule: 'owasp:api4:2023-rate-limit',
    at: /^paths\/\/api\/v1\/health/,
    reason: 'Whoever watches whether the service is well must get an answer when it is flooded: health has no limit.',
  },
  {
    rule: 'owasp:api4:2023-rate-limit-responses-429',
    at: /^paths\/\/api\/v1\/health/,
    reason: 'As above.',
  },
  {
    rule: 'owasp:api8:2023-define-error-responses-401',
    at: /./,
    reason: 'Held below for everything that needs a credential; a public route has none to refuse.',
  },
  {
    rule: 'owasp:api4:2023-string-restricted',
    at: /./,
    reason:
      'People write names and notes in any characters; every text has a length, and ids, times and words have a form.',
  },
]

// The module is CommonJS with a default of its own inside.
const ruleset = ((owasp as { default: unknown }).default as { default?: unknown }).default ?? owasp.default

async function lint(document: object): Promise<readonly { rule: string; at: string; severity: number }[]> {
  const linter = new spectral.Spectral()
  linter.setRuleset(ruleset as RulesetDefinition)
  const results = await linter.run(document as Record<string, unknown>)
  return results.map(({ code, path, severity }) => ({ rule: String(code), at: path.join('/'), severity }))
}

test('the document of a platform with every feature keeps the OWASP rules for APIs', { timeout: 240_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-owasp-'))
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const labels = resourceTable('labels', { id: integer().generatedAlwaysAsIdentity(), name: text().notNull() })
  const plinth = createPlinth({
    database: embedded('memory://'),
    resources: [
      defineResource({ table: folders }),
      defineResource({ table: crates, operations: { clear: true } }),
      defineResource({ table: labels }),
    ],
    features: [auth({ jwt: { keys: [privateKey] } }), tenants()],
    mailer: capturedMail(),
    log: silentLogger,
    env: { ENVIRONMENT: 'development', PUBLIC_URL: 'https://app.example.com', DATA_DIR: folder },
  })
  const document = JSON.parse(JSON.stringify(plinth.openapi())) as { paths: Paths }
  const found = await lint(document)
  const held = found.filter(({ rule, at }) => !exceptions.some((each) => each.rule === rule && each.at.test(at)))
  expect(held).toEqual([])
  // An exception that nothing needs is a hole.
  for (const { rule, at } of exceptions)
    expect(
      found.some((each) => each.rule === rule && at.test(each.at)),
      rule,
    ).toBe(true)
  // 401 is on whatever asks for a credential.
  const silent = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([, operation]) => typeof operation === 'object' && operation.security === undefined)
      .filter(([, operation]) => !(operation as Operation).responses['401'])
      .map(([method]) => `${method} ${path}`),
  )
  expect(silent).toEqual([])
  // What the rules would say of a document that breaks them.
  const [path, item] = Object.entries(document.paths).find(([, each]) => each['post'] !== undefined)!
  const broken = structuredClone({ ...document, paths: { [path]: item } })
  delete (broken.paths[path]!['post'] as Operation).responses['429']!.headers!['Retry-After']
  expect((await lint(broken)).map(({ rule }) => rule)).toContain('owasp:api4:2023-rate-limit-retry-after')
  rmSync(folder, { recursive: true })
})

interface Operation {
  readonly security?: unknown
  readonly responses: Record<string, { headers?: Record<string, unknown> }>
}
type Paths = Record<string, Record<string, Operation | string>>
