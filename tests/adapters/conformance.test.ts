import { randomBytes } from 'node:crypto'
import { defineResource, type Plinth } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openPlatform, tokenOf, type OpenPlatform } from '../contract/open-platform.ts'
import type { Case } from './case.ts'
import { clientCases, whoSent } from './client-cases.ts'
import { hosts, type Host, type HostName } from './hosts.ts'
import { guardCases } from './guard-cases.ts'
import { mountingCases } from './mounting-cases.ts'
import { notesTable } from './notes.ts'
import { requestCases } from './request-cases.ts'
import { responseCases } from './response-cases.ts'
import { committedTable, printTable, writeTable } from './table.ts'

/*
 * Every adapter does the same, over real sockets. The table at the end is the one in docs/adapters.md: a change of either shows.
 * ADAPTERS_TABLE=write npm test -- adapters/conformance writes it there.
 */
const cases: readonly Case[] = [...requestCases, ...clientCases, ...responseCases, ...mountingCases, ...guardCases]
const names = Object.keys(hosts) as HostName[]
const cells = new Map<string, string>()
let atRoot: OpenPlatform
let atTools: OpenPlatform

beforeAll(async () => {
  const resources = [defineResource({ table: notesTable })]
  atRoot = await openPlatform(inject('postgresUrl'), resources, [whoSent])
  atTools = await openPlatform(inject('postgresUrl'), resources, [whoSent], {
    basePath: '/tools',
    notFound: 'plinth',
    env: {
      ENVIRONMENT: 'test',
      SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8',
      CORS_ORIGINS: 'https://app.example.com',
    },
  })
})
afterAll(async () => {
  await atRoot?.close()
  await atTools?.close()
})

describe.each(names)('%s', (name) => {
  test.each(cases)('$title', async ({ title, run }) => {
    const open: Host[] = []
    const arena = {
      name,
      plinth: atRoot.plinth as Plinth,
      prefixed: atTools.plinth,
      notes: notesTable,
      authorization: `Bearer ${tokenOf('acme')}`,
      readerAuthorization: `Bearer ${tokenOf('reader')}`,
      async host(...[platform, options]: Parameters<(typeof hosts)[HostName]>) {
        const host = await hosts[name](platform, options)
        open.push(host)
        return host
      },
    }
    cells.set(`${title}|${name}`, 'no')
    try {
      cells.set(`${title}|${name}`, (await run(arena)) ?? 'yes')
    } finally {
      for (const host of open) await host.close()
    }
  })
})

test('the table of docs/adapters.md is what was seen', () => {
  const table = printTable(cases, names, (title, name) => cells.get(`${title}|${name}`) ?? 'not run')
  console.info(`\n${table}`)
  if (process.env['ADAPTERS_TABLE'] === 'write') writeTable(table)
  expect(committedTable()).toBe(table)
})
