import { integer, text, timestamp } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { StartupFault } from '../errors/startup-error.ts'
import type { Feature } from '../feature/feature.ts'
import { readDeclaration, type DeclaredBeside } from '../platform/read-declaration.ts'
import type { EventRecord } from './event-record.ts'
import { defineResource } from '../resource/define-resource.ts'
import { deletedAt, resourceTable } from '../table/resource-table.ts'
import { on } from './event-handler.ts'
import { eventOf, everyEvent } from './event-source.ts'
import { defineEvent } from './event-type.ts'
import { acceptEvent, readEvent } from './read-event.ts'

const sites = resourceTable('sites', {
  name: text().notNull(),
  contactEmail: text(),
  age: integer(),
  bornAt: timestamp({ withTimezone: true }),
  secret: text(),
  rate: integer(),
  deletedAt: deletedAt(),
})
const site = defineResource({
  table: sites,
  fields: {
    contactEmail: { personal: 'email' },
    age: { personal: 'birthdate' },
    bornAt: { personal: 'birthdate' },
    secret: { hidden: true },
    rate: { restricted: true },
  },
  actions: {
    archive: { run: (ctx, row) => ctx.update(sites, row.id, {}) },
    report: { readOnly: true, output: z.object({ n: z.int() }), run: () => ({ n: 1 }) },
  },
})
const keys = defineResource({
  table: resourceTable('keys', { name: text() }),
  operations: { create: false, update: false, delete: false },
})
const done = (): Promise<void> => Promise.resolve()

function read(beside: DeclaredBeside = {}, features: readonly Feature[] = []) {
  const faults: StartupFault[] = []
  const registry = readDeclaration([site, keys], features, faults, undefined, beside)
  return { registry, faults: faults.map(({ path, problem, fix }) => `${path}: ${problem} | ${fix}`) }
}
const paid = (facts: Partial<Parameters<typeof defineEvent>[1]> = {}) =>
  defineEvent('invoice.paid', { schema: z.object({ amount: z.int() }), ...facts })

describe('the catalogue', () => {
  test('has what may happen to rows, and what is declared', () => {
    const { registry, faults } = read({ events: [paid()] }, [
      { name: 'bank', events: [defineEvent('bank.closed', { schema: z.null() })] },
    ])
    expect(faults).toEqual([])
    expect([...registry.events.keys()]).toEqual([
      'bank.closed',
      'invoice.paid',
      'key.created',
      'key.deleted',
      'key.updated',
      'site.archive',
      'site.created',
      'site.deleted',
      'site.purged',
      'site.restored',
      'site.updated',
    ])
  })

  test('tells of a row what events carry: no hidden and no restricted field, personal ones masked or not at all', () => {
    const schema = z.toJSONSchema(read().registry.events.get('site.created')!.schema)
    expect(Object.keys(schema.properties!)).toEqual([
      'id',
      'ownerUserId',
      'ownerGroupId',
      'createdAt',
      'updatedAt',
      'version',
      'name',
      'contactEmail',
      'bornAt',
      'deletedAt',
    ])
    expect(schema.properties!['contactEmail']).toMatchObject({ const: '[masked]' })
  })

  test('a type that rows have is not declared once more, unless they are written by hand', () => {
    const made = (type: string) => defineEvent(type, { schema: z.object({ id: z.string() }) })
    expect(read({ events: [made('site.created'), made('site.archive'), made('key.created')] }).faults).toEqual([
      "createPlinth.events 'site.created': is an event of resource site already | give it another name",
      "createPlinth.events 'site.archive': is an event of resource site already | give it another name",
    ])
    expect(read({ events: [paid(), paid()] }).faults).toEqual([
      "createPlinth.events 'invoice.paid': is an event of createPlinth already | give it another name",
    ])
  })

  test.each([
    [defineEvent('Paid', { schema: z.null() }), /is no name of an event/],
    [defineEvent('invoice.paid', { schema: z.object({ at: z.date() }) }), /schema: is no JSON: .*Date/],
    [defineEvent('invoice.paid', { schema: z.string().transform(Number) }), /schema: is no JSON: .*[Tt]ransform/],
    [paid({ version: 0 }), /0 is no version/],
    [paid({ version: 3, upcast: { 1: (data) => data } }), /says nothing of version 2/],
    [paid({ upcast: { 1: (data) => data } }), /leads from version 1, and this is version 1 \| version: 2/],
  ])('refuses at start what could not be kept', (event, expected) => {
    const { faults } = read({ events: [event] })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(expected)
  })
})

describe('handlers', () => {
  test('hear a type, all of a resource, or all', () => {
    const { registry, faults } = read(
      {
        events: [paid()],
        handlers: [
          on(everyEvent, 'mirror', done),
          on(eventOf(sites), 'watch', done),
          on(eventOf(site, 'archive'), 'act', done),
        ],
      },
      [{ name: 'log', on: { 'site.*': done, 'key.created': done } }],
    )
    expect(faults).toEqual([])
    const heard = (type: string) => registry.handlers.get(type)?.map(({ name }) => name)
    expect(heard('site.archive')).toEqual(['act', 'log on site.*', 'mirror', 'watch'])
    expect(heard('key.created')).toEqual(['log on key.created', 'mirror'])
    expect(heard('invoice.paid')).toEqual(['mirror'])
    expect(registry.listened.size).toBe(registry.events.size)
  })

  test('that could never run are told at start, with the nearest names', () => {
    const stranger = defineResource({ table: resourceTable('strangers', { name: text() }) })
    const { faults } = read(
      {
        handlers: [
          on(paid(), 'book', done),
          on(eventOf(stranger), 'meet', done),
          on(eventOf(keys, 'restored'), 'key', done),
          on(everyEvent, 'key', done),
          on(everyEvent, '', done),
        ],
      },
      [{ name: 'log', on: { 'site.craeted': done, 'sites.*': done } }],
    )
    expect(faults).toEqual([
      "feature log.on 'site.craeted': is no event | nearest: site.created, site.deleted, site.updated",
      "feature log.on 'sites.*': is no event | nearest: site.*, key.*",
      "handler 'book': hears 'invoice.paid', which is not declared | list it: createPlinth({ events: [ … ] })",
      "handler 'meet': hears of a resource that this platform has not | list it: createPlinth({ resources: [ … ] })",
      expect.stringContaining("handler 'key': 'key.restored' is no event | nearest: "),
      "handler 'key': is given twice | give each handler a name of its own",
      expect.stringContaining("handler '': has no usable name"),
    ])
  })
})

describe('an event', () => {
  const { registry } = read({
    events: [
      defineEvent('invoice.paid', {
        version: 3,
        schema: z.object({ cents: z.int(), currency: z.string() }),
        upcast: {
          1: (data: { amount: number }) => ({ cents: data.amount * 100 }),
          2: (data: { cents: number }) => ({ ...data, currency: 'EUR' }),
        },
      }),
    ],
  })
  const stored = (type: string, version: number, data: unknown): EventRecord => ({
    id: 'e',
    tenantId: 't',
    type,
    version,
    key: 'k',
    data,
    actor: { kind: 'system', id: 'system' },
    requestId: 'r',
    time: new Date(0),
  })

  test('is judged by the schema where it is emitted, and keeps what the schema knows', () => {
    const data = { cents: 5, currency: 'EUR', card: '4242' }
    expect(acceptEvent(registry.events, { type: 'invoice.paid', data })).toEqual({
      version: 3,
      data: { cents: 5, currency: 'EUR' },
    })
    expect(() => acceptEvent(registry.events, { type: 'invoice.paid', data: { cents: 'secret' } })).toThrow(
      /^the data of invoice\.paid is not as its schema says: \/cents: .*; \/currency: /,
    )
    expect(() => acceptEvent(registry.events, { type: 'invoice.piad', data })).toThrow(/nearest: invoice\.paid/)
  })

  test('of an older version is read as one of this; of a newer one it is refused', () => {
    const read = (version: number, data: unknown) => readEvent(registry.events, stored('invoice.paid', version, data))
    expect(read(1, { amount: 2 })).toMatchObject({ version: 3, data: { cents: 200, currency: 'EUR' } })
    expect(read(2, { cents: 7 })).toMatchObject({ version: 3, data: { cents: 7, currency: 'EUR' } })
    expect(read(3, { cents: 7, currency: 'CHF' })).toMatchObject({ version: 3, data: { cents: 7, currency: 'CHF' } })
    expect(() => read(4, {})).toThrow('invoice.paid is of version 4, and this release knows 3')
  })

  test('hands on no mask where no text is expected', () => {
    const data = { id: '1', age: '[masked]', bornAt: '[masked]', name: 'x' }
    expect(readEvent(registry.events, stored('site.created', 1, data)).data).toEqual({
      id: '1',
      bornAt: '[masked]',
      name: 'x',
    })
  })
})
