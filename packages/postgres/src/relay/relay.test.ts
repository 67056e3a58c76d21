import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { fieldOf, type EventRecord, type ResourceInfo } from '@plinth/core'
import {
  attach,
  everything,
  listening,
  openPGlite,
  openServer,
  scopeOf,
  sites,
  type Attached,
  type Opened,
} from '../../tests/fixture.ts'
import type { DatabaseOptions } from '../database-options.ts'
import type { Drivers } from '../drivers/driver.ts'

const subjects = [
  { name: 'PostgreSQL', open: () => openServer(inject('postgresUrl')) },
  { name: 'PGlite', open: () => openPGlite() },
]

const tenants = ['0190a000-0000-7000-8000-00000000000a', '0190a000-0000-7000-8000-00000000000b']
let last = 0
const newId = (): string => `0190c000-0000-7000-8000-${String((last += 1)).padStart(12, '0')}`
const fast = { pollMs: 20, backoffMs: 10 }

describe.each(subjects)('the relay on $name', ({ name, open }) => {
  let opened: Opened
  const started: { stop: () => Promise<void> }[] = []

  beforeAll(async () => {
    opened = await open()
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((one) => one.stop()))
    await opened.owner.query('delete from plinth.events')
  })
  afterAll(() => opened.close())

  /** A platform of its own over the same database; closing it leaves the drivers open for the others. */
  function start(
    deliver: (event: EventRecord) => Promise<void>,
    wrap: (drivers: Drivers) => Drivers = (drivers) => drivers,
    relay: DatabaseOptions['relay'] = {},
  ): Attached {
    const drivers = wrap({ ...opened.drivers, close: () => Promise.resolve() })
    const attached = attach(drivers, [listening('*')], { deliver, relay: { ...fast, ...relay } })
    started.push({ stop: () => attached.database.close() })
    attached.database.startBackground()
    return attached
  }

  async function write(attached: Attached, tenantId: string, changes: number): Promise<string> {
    const site: ResourceInfo = attached.resource(sites)
    const session = attached.database.session(scopeOf(tenantId))
    const id = newId()
    const values = (text: string) => new Map([[fieldOf(site, 'name'), text]])
    await session.create({ resource: site, id, ownerUserId: null, values: values('0') })
    for (let at = 1; at <= changes; at += 1)
      await session.update({ resource: site, id, ...everything, event: 'updated', values: values(String(at)) })
    return id
  }

  const undelivered = async (): Promise<number> =>
    Number((await opened.owner.query('select count(*) n from plinth.events where delivered_at is null'))[0]?.['n'])
  const versionsOf = (events: readonly EventRecord[], id: string): unknown[] =>
    events
      .filter((event) => event.key === `site:${id}`)
      .map((event) => (event.data as { readonly version: number }).version)

  test('hands every event on, in order per row, with all that it says', async () => {
    const events: EventRecord[] = []
    const attached = start((event) => {
      events.push(event)
      return Promise.resolve()
    })
    const ids = await Promise.all(Array.from({ length: 8 }, (_, at) => write(attached, tenants[at % 2] ?? '', 5)))
    await vi.waitFor(() => expect(events).toHaveLength(48), { timeout: 20_000 })
    for (const id of ids) expect(versionsOf(events, id)).toEqual([1, 2, 3, 4, 5, 6])
    expect(events.find((event) => event.key === `site:${ids[0] ?? ''}`)).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      tenantId: tenants[0],
      type: 'site.created',
      version: 1,
      key: `site:${ids[0] ?? ''}`,
      data: expect.objectContaining({ id: ids[0], name: '0' }),
      actor: { kind: 'user', id: 'ann' },
      requestId: 'request-1',
      time: new Date('2026-11-20T20:54:57.107Z'),
    })
    await vi.waitFor(async () => expect(await undelivered()).toBe(0), { timeout: 20_000 })
  })

  test('a handler that fails is asked again; later events of its row wait for it, those of other rows do not', async () => {
    const order: string[] = []
    let failures = 3
    const attached = start((event) => {
      const label = `${event.key.slice(-4)} ${String((event.data as { readonly version: number }).version)}`
      if (event.type === 'site.created' && event.tenantId === tenants[0] && failures > 0) {
        failures -= 1
        order.push(`failed ${label}`)
        return Promise.reject(new Error('the receiver is away'))
      }
      order.push(label)
      return Promise.resolve()
    })
    const [stuck, free] = await Promise.all([
      write(attached, tenants[0] ?? '', 2),
      write(attached, tenants[1] ?? '', 2),
    ])
    const [s, f] = [stuck.slice(-4), free.slice(-4)]
    await vi.waitFor(() => expect(order).toHaveLength(9), { timeout: 20_000 })
    expect(order.filter((one) => one.includes(s))).toEqual([
      `failed ${s} 1`,
      `failed ${s} 1`,
      `failed ${s} 1`,
      `${s} 1`,
      `${s} 2`,
      `${s} 3`,
    ])
    expect(order.filter((one) => one.startsWith(f))).toEqual([`${f} 1`, `${f} 2`, `${f} 3`])
    await vi.waitFor(async () => expect(await undelivered()).toBe(0), { timeout: 20_000 })
    const [row] = await opened.owner.query(
      `select attempts, last_error from plinth.events where key = $1::text and type = 'site.created'`,
      [`site:${stuck}`],
    )
    expect(row).toEqual({ attempts: 4, last_error: null })
  })

  test('what fails is written down: attempts, the reason, and a next time that moves away', async () => {
    // Words of a receiver; what PostgreSQL does not take of them would keep the attempt from being counted, and stop the relay.
    const attached = start(() => Promise.reject(new Error('ne\0ver')))
    const id = await write(attached, tenants[0] ?? '', 0)
    const row = async () =>
      (
        await opened.owner.query(
          'select attempts, last_error, next_attempt_at > occurred_at later from plinth.events where key = $1::text',
          [`site:${id}`],
        )
      )[0]
    // At least: who looks now and then does not see every count.
    const tried = await vi.waitFor(
      async () => {
        const seen = await row()
        expect(Number(seen?.['attempts'])).toBeGreaterThanOrEqual(3)
        return seen
      },
      { timeout: 20_000 },
    )
    expect(tried).toMatchObject({ last_error: 'ne\uFFFDver', later: true })
    expect(await undelivered()).toBe(1)
  })

  test('after its last attempt an event is set aside, and what waited for it goes on; taken up again, it is delivered', async () => {
    const order: string[] = []
    let broken = true
    const attached = start(
      (event) => {
        const { version } = event.data as { readonly version: number }
        order.push(`${broken && version === 1 ? 'failed' : 'done'} ${version}`)
        return broken && version === 1 ? Promise.reject(new Error('poison')) : Promise.resolve()
      },
      undefined,
      { mostAttempts: 3 },
    )
    const id = await write(attached, tenants[0] ?? '', 1)
    await vi.waitFor(() => expect(order).toEqual(['failed 1', 'failed 1', 'failed 1', 'done 2']), { timeout: 20_000 })
    const parked = 'attempts = 3 and last_error = $2::text and parked_at is not null and delivered_at is null'
    const [row] = await opened.owner.query(
      `select count(*)::int n from plinth.events where key = $1::text and ${parked}`,
      [`site:${id}`, 'poison'],
    )
    expect(row).toEqual({ n: 1 })
    broken = false
    await opened.owner.query(
      'update plinth.events set parked_at = null, attempts = 0, next_attempt_at = now() where parked_at is not null',
    )
    await vi.waitFor(async () => expect(await undelivered()).toBe(0), { timeout: 20_000 })
    expect(order.slice(4)).toEqual(['done 1'])
  })

  test('a hundred at once who take an event for one handler: one has it; what is rolled back had nobody', async () => {
    const attached = attach({ ...opened.drivers, close: () => Promise.resolve() }, [listening('*')])
    const key = `site:${await write(attached, tenants[0] ?? '', 0)}`
    const [row] = await opened.owner.query('select id from plinth.events where key = $1::text', [key])
    const id = String(row?.['id'])
    const take = (handler: string, last: boolean, after?: Error): Promise<boolean> =>
      attached.database.systemTransaction(scopeOf(tenants[0] ?? ''), async (transaction) => {
        const taken = await transaction.takeEvent(id, handler, last)
        if (after) throw after
        return taken
      })
    await expect(take('a', false, new Error('failed'))).rejects.toThrow('failed')
    const taken = await Promise.all(Array.from({ length: 100 }, () => take('a', false)))
    expect(taken.filter(Boolean)).toHaveLength(1)
    const other = attached.database.systemTransaction(scopeOf(tenants[1] ?? ''), (transaction) =>
      transaction.takeEvent(id, 'b', true),
    )
    expect(await other).toBe(false)
    expect(await undelivered()).toBe(1)
    expect(await take('b', true)).toBe(true)
    expect(await take('c', true)).toBe(false)
    expect(await undelivered()).toBe(0)
  })

  test('what was delivered and not marked (a crash between the two) is delivered again', async () => {
    const delivered: string[] = []
    let crashed = false
    // Loses the first mark, as a process that dies after the delivery does.
    const lossy = (drivers: Drivers): Drivers => ({
      ...drivers,
      system: async () => {
        const system = await drivers.system()
        return {
          ...system,
          query(text, parameters, options) {
            if (text.includes('set delivered_at') && !crashed) {
              crashed = true
              return Promise.reject(new Error('gone'))
            }
            return system.query(text, parameters, options)
          },
        }
      },
    })
    const attached = start((event) => {
      delivered.push(event.id)
      return Promise.resolve()
    }, lossy)
    await write(attached, tenants[0] ?? '', 0)
    await vi.waitFor(async () => expect(await undelivered()).toBe(0), { timeout: 20_000 })
    expect(delivered).toHaveLength(2)
    expect(new Set(delivered).size).toBe(1)
  })

  test('stops after what has begun, and hands nothing on afterwards', async () => {
    let begun = 0
    let ended = 0
    const attached = start(async () => {
      begun += 1
      await new Promise((resolve) => setTimeout(resolve, 50))
      ended += 1
    })
    for (let at = 0; at < 3; at += 1) await write(attached, tenants[0] ?? '', 3)
    await vi.waitFor(() => expect(begun).toBeGreaterThan(0), { timeout: 20_000 })
    await attached.database.close()
    expect(ended).toBe(begun)
    const before = begun
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(begun).toBe(before)
  })

  test('is not started where nobody listens', async () => {
    const system = vi.fn<Drivers['system']>(() => opened.drivers.system())
    const attached = attach({ ...opened.drivers, system, close: () => Promise.resolve() }, [], { relay: fast })
    attached.database.startBackground()
    await attached.database.close()
    expect(system).not.toHaveBeenCalled()
  })

  // PGlite is one process and one connection.
  if (name !== 'PostgreSQL') return

  test('two relays: each event once; when the leader goes, the other takes over', async () => {
    const seen: string[][] = [[], []]
    const [first, second] = seen.map((events) =>
      start((event) => {
        events.push(event.id)
        return Promise.resolve()
      }),
    ) as [Attached, Attached]
    for (let at = 0; at < 10; at += 1) await write(at % 2 === 0 ? first : second, tenants[0] ?? '', 4)
    await vi.waitFor(async () => expect(await undelivered()).toBe(0), { timeout: 20_000 })
    expect(seen.flat()).toHaveLength(50)
    expect(new Set(seen.flat()).size).toBe(50)
    const leader = seen[0]?.length ? first : second
    await leader.database.close()
    const other = leader === first ? second : first
    await write(other, tenants[1] ?? '', 4)
    await vi.waitFor(async () => expect(await undelivered()).toBe(0), { timeout: 20_000 })
    expect(new Set(seen.flat()).size).toBe(55)
  })

  test('a leader whose lock is gone begins nothing more, in the middle of a batch', async () => {
    const seen: string[] = []
    let open: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (open = resolve))
    // Written before anybody delivers, so that all is in one batch.
    const writer = attach({ ...opened.drivers, close: () => Promise.resolve() }, [listening('*')])
    await write(writer, tenants[0] ?? '', 3)
    start(
      async (event) => {
        seen.push(`first ${String((event.data as { readonly version: number }).version)}`)
        await gate
      },
      undefined,
      { beatMs: 20 },
    )
    await vi.waitFor(() => expect(seen).toEqual(['first 1']), { timeout: 20_000 })
    start((event) => {
      seen.push(`second ${String((event.data as { readonly version: number }).version)}`)
      return Promise.resolve()
    })
    await opened.owner.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'plinth_system' and datname = current_database()`,
    )
    await vi.waitFor(async () => expect(await undelivered()).toBe(0), { timeout: 20_000 })
    open()
    for (let at = 0; at < 5; at += 1) {
      await write(writer, tenants[1] ?? '', 0)
      await vi.waitFor(async () => expect(await undelivered()).toBe(0), { timeout: 20_000 })
    }
    expect(seen.splice(5)).toEqual(Array(5).fill('second 1'))
    // At least once: the first event again, by the new leader; the others by it alone.
    expect(seen).toEqual(['first 1', 'second 1', 'second 2', 'second 3', 'second 4'])
  })

  test('goes on after its connections were cut', async () => {
    const seen: string[] = []
    const attached = start((event) => {
      seen.push(event.id)
      return Promise.resolve()
    })
    await write(attached, tenants[0] ?? '', 0)
    await vi.waitFor(() => expect(seen).toHaveLength(1), { timeout: 20_000 })
    await opened.owner.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'plinth_system' and datname = current_database()`,
    )
    await write(attached, tenants[0] ?? '', 0)
    await vi.waitFor(async () => expect(await undelivered()).toBe(0), { timeout: 20_000 })
    expect(new Set(seen).size).toBe(2)
  })
})
