import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fieldOf, type CreateOperation, type FieldInfo, type RawRow, type Scope, type Stored } from '@plinth/core'
import { attach, notes, projects, scopeOf } from '../../../tests/fixture.ts'
import type { Driver } from '../../drivers/driver.ts'
import { DriverError } from '../../errors/driver-error.ts'
import { printingOf } from '../../statements/printing-of.ts'
import { compileRecords } from '../../statements/records.ts'
import type { Runner } from '../runner.ts'
import { CreatesTogether } from './creates-together.ts'

/* Who goes with whom, when, and what becomes of each: on a server that is played. */

const tenantId = '0190a000-0000-7000-8000-00000000000a'
const idOf = (at: number): string => `0190c000-0000-7000-8000-${String(at).padStart(12, '0')}`
const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))

interface Sent {
  /** Numbers of its rows. */
  readonly rows: readonly number[]
  readonly parameters: readonly unknown[]
  readonly answer: () => void
  readonly fail: (error: Error) => void
}

function played() {
  const sent: Sent[] = []
  const query: Driver['query'] = (_text, parameters = []) =>
    new Promise((resolve, reject) => {
      const ids = [...new Set(JSON.stringify(parameters).match(/0190c000-[-0-9a-f]+/gi))]
      const rows = ids.map((id) => Number(id.slice(-12)))
      const answer = (): void => resolve(ids.map((id): RawRow => ({ id: id.toLowerCase() })))
      sent.push({ rows, parameters, answer, fail: reject })
    })
  const app: Driver = {
    kind: 'postgres',
    query,
    transaction: () => Promise.reject(new Error('none here')),
    script: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
  const login = (): Promise<Driver> => Promise.resolve(app)
  const attached = attach({ kind: 'postgres', app, system: login, owner: login, close: () => Promise.resolve() })
  const { database, registry, resource } = attached
  const [note, project] = [resource(notes), resource(projects)]
  const create = (
    at: number,
    scope: Partial<Scope> = {},
    given: Partial<CreateOperation> & { readonly title?: string } = {},
  ): Promise<RawRow> => {
    const { title = 'x', ...operation } = given
    const values = new Map<FieldInfo, Stored>([[fieldOf(note, 'body'), title]])
    const session = database.session(scopeOf(tenantId, scope))
    return session.create({ resource: note, id: idOf(at), ownerUserId: null, values, ...operation })
  }
  /** Three more that run and never end: for a while, whoever comes waits. */
  let hanging = 900
  const hang = (): void => {
    for (let at = 0; at < 3; at += 1) void create((hanging += 1)).catch(() => undefined)
    sent.splice(-3)
  }
  /** After one that ended. */
  const busy = async (): Promise<void> => {
    const ended = create((hanging += 1))
    sent.pop()!.answer()
    await ended
    hang()
  }
  const rows = (): readonly (readonly number[])[] => sent.map((one) => one.rows)
  return { database, registry, note, project, create, busy, hang, sent, rows }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())
/** What was promised is kept in real time. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const refusal = (code: string): Error => Object.assign(new Error('said by the server'), { code, severity: 'ERROR' })

test('the first three go at once, the others when one of them ended', async () => {
  const { create, sent, rows } = played()
  const asked = times(8, (at) => create(at))
  expect(rows()).toEqual([[0], [1], [2]])
  sent[1]!.answer()
  await asked[1]
  await turn()
  expect(rows().slice(3)).toEqual([[3, 4, 5, 6, 7]])
  for (const one of sent) one.answer()
  expect((await Promise.all(asked)).map(({ id }) => id)).toEqual(times(8, idOf))
})

test('nobody waits longer than ten milliseconds for that', async () => {
  const { create, busy, rows } = played()
  await busy()
  void create(1)
  await vi.advanceTimersByTimeAsync(5)
  void create(2)
  await vi.advanceTimersByTimeAsync(4)
  expect(rows()).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(rows()).toEqual([[1, 2]])
  void create(3)
  await vi.advanceTimersByTimeAsync(10)
  expect(rows()).toEqual([[1, 2], [3]])
})

test('what waits is sent before the database closes, which waits for the answers', async () => {
  const { create, busy, sent, rows, database } = played()
  await busy()
  const asked = Promise.allSettled([create(1), create(2)])
  let closed = false
  const closing = database.close().then(() => (closed = true))
  expect(rows()).toEqual([[1, 2]])
  sent.splice(0)[0]!.fail(refusal('23505'))
  await turn()
  expect([rows(), closed]).toEqual([[[1], [2]], false])
  for (const one of sent) one.answer()
  expect((await asked).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
  await closing
})

test('for those that wait for a lock nobody waits', async () => {
  const { create, busy, rows } = played()
  await busy()
  await vi.advanceTimersByTimeAsync(20)
  void create(1)
  void create(2)
  expect(rows()).toEqual([[1], [2]])
})

test('where no connection became free in time, none is asked for again', async () => {
  const { create, busy, sent } = played()
  await busy()
  const outcomes = Promise.allSettled([create(1), create(2)])
  await vi.advanceTimersByTimeAsync(10)
  sent.splice(0)[0]!.fail(new DriverError('overloaded', 'None of 10 connections was free'))
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(sent).toEqual([])
})

test.each<[string, Partial<Scope>, Partial<CreateOperation> | undefined]>([
  ['another actor', { actor: { kind: 'service', id: 'ann' } }, undefined],
  ['another address', { client: { address: '192.0.2.9', userAgent: undefined } }, undefined],
  ['another program', { client: { address: undefined, userAgent: 'curl' } }, undefined],
  ['on behalf of somebody', { onBehalfOf: 'ben' }, undefined],
  ['another user of policies', { facts: { principalId: 'ann', userId: idOf(7), groupIds: [] } }, undefined],
  ['other groups', { facts: { principalId: 'ann', userId: null, groupIds: [idOf(7)] } }, undefined],
  ['another owner', {}, { ownerUserId: idOf(77) }],
  ['the same id', {}, { id: idOf(1) }],
  ['the same id in capitals', {}, { id: idOf(1).toUpperCase() }],
])('with %s it is a statement of its own', async (_, scope, operation) => {
  const { create, busy, rows } = played()
  await busy()
  for (const at of [1, 3, 4]) void create(at).catch(() => undefined)
  void create(2, scope, operation).catch(() => undefined)
  await vi.advanceTimersByTimeAsync(10)
  expect(rows().map(([first]) => first)).toHaveLength(2)
  expect(rows()[0]).toEqual([1, 3, 4])
})

test('with other columns too, in whatever order they come', async () => {
  const { create, busy, rows, note } = played()
  await busy()
  const [body, slug] = [fieldOf(note, 'body'), fieldOf(note, 'slug')]
  const both = (first: FieldInfo, second: FieldInfo) => ({
    values: new Map([first, second].map((one) => [one, one.key])),
  })
  void create(1)
  void create(2, {}, both(body, slug))
  void create(3, {}, both(slug, body))
  void create(4)
  void create(5, {}, both(body, slug))
  await vi.advanceTimersByTimeAsync(10)
  expect(rows()).toEqual([[1, 4], [2, 5], [3]])
})

test('another principal, tenant or resource is another line: it waits for nobody here', async () => {
  const { create, busy, rows } = played()
  await busy()
  void create(1, { facts: { principalId: 'ben', userId: null, groupIds: [] } })
  void create(2, { tenantId: '0190a000-0000-7000-8000-00000000000b' })
  expect(rows()).toEqual([[1], [2]])
})

test('much in one statement is two, and what is much by itself waits for nobody', async () => {
  const { create, busy, rows } = played()
  await busy()
  void create(1, {}, { title: 'x'.repeat(300_000) })
  expect(rows()).toEqual([[1]])
  for (const at of [2, 3, 4]) void create(at, {}, { title: 'x'.repeat(100_000) })
  await vi.advanceTimersByTimeAsync(10)
  expect(rows()).toEqual([[1], [2, 3], [4]])
})

test('an id that the database makes is waited for by its own request', async () => {
  const { create, busy, sent } = played()
  await busy()
  void create(1, {}, { id: null }).catch(() => undefined)
  expect(sent).toHaveLength(1)
})

test.each(['23505', '23503', '42501', 'P0001', '57014', '53100', '40P01', '55P03'])(
  'what the server refuses (%s) is run again one by one, and for a while so are all',
  async (code) => {
    const { create, busy, hang, sent, rows } = played()
    await busy()
    const asked = times(4, (at) => create(at))
    const outcomes = Promise.allSettled(asked)
    await vi.advanceTimersByTimeAsync(10)
    expect(rows()).toEqual([[0, 1, 2, 3]])
    sent.splice(0)[0]!.fail(refusal(code))
    await turn()
    expect(rows()).toEqual([[0], [1], [2], [3]])
    for (const [at, one] of sent.splice(0).entries())
      if (at === 2) one.fail(refusal('23505'))
      else one.answer()
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    // A server that is full is so for each.
    if (code === '53100') return
    void create(5)
    void create(6)
    expect(rows()).toEqual([[5], [6]])
    await vi.advanceTimersByTimeAsync(60)
    hang()
    void create(7)
    void create(8)
    await vi.advanceTimersByTimeAsync(10)
    expect(rows()).toEqual([[5], [6], [7, 8]])
  },
)

test('a statement that never reached the server is sent again, each by itself', async () => {
  const { create, busy, hang, sent, rows } = played()
  await busy()
  void create(1)
  void create(2)
  await vi.advanceTimersByTimeAsync(10)
  sent.splice(0)[0]!.fail(new DriverError('unreachable', 'nobody there'))
  await turn()
  expect(rows()).toEqual([[1], [2]])
  // It is no refusal of theirs.
  await vi.advanceTimersByTimeAsync(20)
  hang()
  void create(3)
  void create(4)
  await vi.advanceTimersByTimeAsync(10)
  expect(rows().slice(2)).toEqual([[3, 4]])
})

test('those that wait while others are refused go one by one as well', async () => {
  const { create, busy, sent, rows } = played()
  await busy()
  void create(1)
  void create(2)
  await vi.advanceTimersByTimeAsync(10)
  void create(3)
  void create(4)
  sent.splice(0)[0]!.fail(refusal('23505'))
  await vi.advanceTimersByTimeAsync(10)
  expect(rows()).toEqual([[1], [2], [3], [4]])
})

test('what goes well together goes together in greater number', async () => {
  const { create, busy, hang, sent } = played()
  await busy()
  const sizes: (readonly number[])[] = []
  for (let round = 0; round < 4; round += 1) {
    await vi.advanceTimersByTimeAsync(20)
    hang()
    const asked = times(40, (at) => create(100 * round + at))
    await vi.advanceTimersByTimeAsync(10)
    const several = sent.splice(0)
    sizes.push(several.map(({ rows }) => rows.length))
    for (const { answer } of several) answer()
    await Promise.all(asked)
  }
  expect(sizes).toEqual([
    [8, 8, 8, 8, 8],
    [16, 16, 8],
    [32, 8],
    [32, 8],
  ])
})

test('a few times a second one goes by himself, to know what that takes', async () => {
  const { create, busy, hang, rows } = played()
  await busy()
  await vi.advanceTimersByTimeAsync(300)
  hang()
  for (const at of [1, 2, 3]) void create(at)
  await vi.advanceTimersByTimeAsync(10)
  expect(rows()).toEqual([[1], [2, 3]])
})

test.each([
  ['what takes the server too long together goes one by one, for longer than after a refusal', '57014', [[1], [2]]],
  ['what waited for a lock together does not', '55P03', []],
])('%s', async (_, code, atOnce) => {
  const { create, busy, hang, sent, rows } = played()
  await busy()
  for (const round of [10, 20]) {
    await vi.advanceTimersByTimeAsync(20)
    hang()
    for (let at = 0; at < 8; at += 1) void create(round + at)
    await vi.advanceTimersByTimeAsync(10)
    const several = sent.splice(0).find((one) => one.rows.length > 1)!
    await vi.advanceTimersByTimeAsync(500)
    several.fail(refusal(code))
    await turn()
    await vi.advanceTimersByTimeAsync(200)
    sent.splice(0)
  }
  hang()
  void create(1)
  void create(2)
  expect(rows()).toEqual(atOnce)
})

test('an answer that was lost is lost for each, and nothing is sent again', async () => {
  const { create, busy, sent } = played()
  await busy()
  const outcomes = Promise.allSettled(times(4, (at) => create(at)))
  await vi.advanceTimersByTimeAsync(10)
  sent.splice(0)[0]!.fail(new DriverError('connection_lost', 'gone in the middle', { sent: 'unknown' }))
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable', status: 503 } })
  await vi.advanceTimersByTimeAsync(100)
  expect(sent).toEqual([])
})

test('what our code makes for a row is made in the request that asks for it, once, and fails for it alone', async () => {
  const { database, project, sent, rows } = played()
  const request = new AsyncLocalStorage<number>()
  const made: number[] = []
  const code = fieldOf(project, 'code') as { column: { defaultFn: (() => unknown) | undefined } }
  const usual = code.column.defaultFn
  code.column.defaultFn = () => {
    const at = request.getStore()!
    made.push(at)
    if (at === 5) throw new Error('no code for five')
    return `code of ${at}`
  }
  try {
    const values = new Map([[fieldOf(project, 'name'), 'x']])
    const ask = (at: number): Promise<RawRow> =>
      request.run(at, () =>
        database.session(scopeOf(tenantId)).create({ resource: project, id: idOf(at), ownerUserId: null, values }),
      )
    const before = ask(100)
    sent.splice(0)[0]!.answer()
    await before
    made.splice(0)
    const asked = times(8, ask)
    const outcomes = Promise.allSettled(asked)
    await vi.advanceTimersByTimeAsync(10)
    expect(rows().slice(3)).toEqual([[3, 4, 6, 7]])
    expect(sent[3]!.parameters).toContain('{"code of 3","code of 4","code of 6","code of 7"}')
    expect(made).toEqual(times(8, (at) => at))
    sent[3]!.fail(refusal('23505'))
    await turn()
    expect(sent[5]!.parameters).toContain('code of 4')
    expect(made).toEqual(times(8, (at) => at))
    for (const one of sent) one.answer()
    expect((await outcomes).map(({ status }, at) => (status === 'rejected' ? at : ''))).toEqual(
      times(8, (at) => (at === 5 ? 5 : '')),
    )
  } finally {
    code.column.defaultFn = usual
  }
})

test('whoever writes an id in capitals is answered as well', async () => {
  const { create, busy, sent } = played()
  await busy()
  const asked = [create(1, {}, { id: idOf(1).toUpperCase() }), create(2)]
  await vi.advanceTimersByTimeAsync(10)
  sent[0]!.answer()
  expect((await Promise.all(asked)).map(({ id }) => id)).toEqual([idOf(1), idOf(2)])
})

test('an id of another type than uuid is waited for by its own request', () => {
  const { registry, note } = played()
  const id = fieldOf(note, 'id')
  const ownId: FieldInfo = { ...id, kind: { ...id.kind, name: 'text' } }
  const own = { ...note, byKey: new Map([...note.byKey, ['id', ownId]]) }
  const records = { ...compileRecords(registry, false, []), beside: () => '' }
  const together = new CreatesTogether(printingOf(registry, 'shared', records, false))
  let sent = 0
  const runner: Runner = {
    run() {
      sent += 1
      return new Promise(() => undefined)
    },
  }
  const values = new Map([[fieldOf(note, 'body'), 'x']])
  const ask = (resource: typeof note, at: number): void =>
    void together
      .run(runner, { resource, id: `${at}`, ownerUserId: null, values }, scopeOf(tenantId))
      .catch(() => undefined)
  for (let at = 0; at < 5; at += 1) ask(own as typeof note, at)
  expect(sent).toBe(5)
})

test('of ten thousand callers a thousand are remembered', async () => {
  vi.useRealTimers()
  const { registry, note } = played()
  const together = new CreatesTogether(printingOf(registry, 'shared', compileRecords(registry, false, []), false))
  const values = new Map([[fieldOf(note, 'body'), 'x']])
  const runner = { run: () => Promise.resolve([{ id: idOf(1) }]) }
  for (let at = 0; at < 10_000; at += 1) {
    const scope = scopeOf(tenantId, { facts: { principalId: `caller ${at}`, userId: null, groupIds: [] } })
    await together.run(runner, { resource: note, id: idOf(1), ownerUserId: null, values }, scope)
  }
  expect(together.size).toBeLessThanOrEqual(1_000)
})
