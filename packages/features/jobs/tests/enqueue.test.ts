import {
  defineJob,
  PermissionSet,
  systemClock,
  type EnqueuedJob,
  type EnqueueParts,
  type FixedStatement,
  type Platform,
  type RawRow,
} from '@plinth/core'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Depth } from '../src/depth.ts'
import { enqueue } from '../src/enqueue.ts'

const job = defineJob({ name: 'any', input: z.object({}), run: () => undefined })

/** A database whose answers are these, in their order: to the count of what waits, to an insert, to a look, to an insert … */
function parts(...answers: (readonly RawRow[])[]): EnqueueParts {
  const now = new Date()
  const facts = { principalId: 'me', userId: null, groupIds: [], circumstances: {} }
  const scope = { tenantId: 't', actor: { kind: 'service', id: 'me' }, facts, requestId: 'request-1', now }
  const principal = {
    kind: 'service',
    id: 'me',
    userId: null,
    groupIds: [],
    tenant: null,
    permissions: PermissionSet.none,
  }
  // Of the one that was made, with its id.
  const run = ({ parameters }: FixedStatement) =>
    Promise.resolve((answers.shift() ?? []).map((row) => (row['id'] === 'made' ? { id: String(parameters[1]) } : row)))
  const transaction = { run }
  return { transaction, scope, principal } as unknown as EnqueueParts
}
const platform = {
  registry: { jobs: new Map([['any', job]]) },
  secrets: { sign: () => 'seal' },
  clock: systemClock,
} as unknown as Platform
const ask = (given: EnqueueParts) => enqueue(platform, new Depth(10), given, job, {}, { idempotencyKey: 'key' })
const waiting = [{ n: 0 }]
/** Of the rows of an insert, of one or of many. */
function idsIn(parameters: FixedStatement['parameters']): readonly RawRow[] {
  const many = parameters.find(Array.isArray) as readonly string[] | undefined
  return many?.map((one) => ({ id: (JSON.parse(one) as { id: string }).id })) ?? [{ id: String(parameters[1]) }]
}

test('a job whose key was taken and is free when it is looked for is made', async () => {
  const made = await ask(parts(waiting, [], [], [{ id: 'made' }]))
  expect(made).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), created: true })
})

test('a job whose key is taken is the one that has it', async () => {
  expect(await ask(parts(waiting, [], [{ id: 'known' }]))).toEqual({ id: 'known', created: false })
})

test('a key that is taken and free again each time is a conflict, and no job without an id', async () => {
  await expect(ask(parts(waiting))).rejects.toMatchObject({ code: 'conflict', status: 409 })
})

test('many at once go in a few statements, in their order, each told what became of it', async () => {
  const rows: string[] = []
  const texts: string[] = []
  const run = async ({ text, parameters }: FixedStatement): Promise<readonly RawRow[]> => {
    await new Promise((resolve) => setImmediate(resolve))
    if (text.includes('count(*)')) return waiting
    texts.push(text)
    if (!text.includes('insert')) return [{ id: 'known' }]
    const many = parameters.find(Array.isArray) as readonly string[] | undefined
    const asked = many?.map((one) => JSON.parse(one) as { id: string; idempotencyKey: string }) ?? [
      { id: String(parameters[1]), idempotencyKey: String(parameters[10]) },
    ]
    const made = asked.filter(({ idempotencyKey }) => idempotencyKey !== 'taken')
    rows.push(...made.map(({ idempotencyKey }) => idempotencyKey))
    return made.map(({ id }) => ({ id }))
  }
  const given = { ...parts(), transaction: { run } } as unknown as EnqueueParts
  const depth = new Depth(1_000)
  const keys = Array.from({ length: 450 }, (_, at) => (at === 300 ? 'taken' : `key ${at}`))
  const made = await Promise.all(
    keys.map((idempotencyKey) => enqueue(platform, depth, given, job, {}, { idempotencyKey })),
  )
  expect(made.filter(({ created }) => !created)).toEqual([{ id: 'known', created: false }])
  expect(rows).toEqual(keys.filter((key) => key !== 'taken'))
  // Two hundred, two hundred, the rest, and the look for the one that was taken.
  expect(texts).toHaveLength(4)
})

test('a statement that fails fails all that were in it, and those who come later have their own', async () => {
  let calls = 0
  const run = async ({ text, parameters }: FixedStatement): Promise<readonly RawRow[]> => {
    await new Promise((resolve) => setImmediate(resolve))
    if (text.includes('count(*)')) return waiting
    calls += 1
    if (calls === 2) throw new Error('away')
    return idsIn(parameters)
  }
  const given = { ...parts(), transaction: { run } } as unknown as EnqueueParts
  const depth = new Depth(10)
  const one = (): Promise<EnqueuedJob> => enqueue(platform, depth, given, job, {}, {})
  expect(await one()).toMatchObject({ created: true })
  const outcomes = await Promise.allSettled([one(), one(), one()])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(await one()).toMatchObject({ created: true })
})

test('long inputs are no long statement', async () => {
  const lengths: number[] = []
  const run = async ({ text, parameters }: FixedStatement): Promise<readonly RawRow[]> => {
    await new Promise((resolve) => setImmediate(resolve))
    if (text.includes('count(*)')) return waiting
    lengths.push(JSON.stringify(parameters).length)
    return idsIn(parameters)
  }
  const given = { ...parts(), transaction: { run } } as unknown as EnqueueParts
  const depth = new Depth(100)
  const long = { text: 'x'.repeat(260_000) }
  await Promise.allSettled(Array.from({ length: 20 }, () => enqueue(platform, depth, given, job, long, {})))
  expect(lengths).toHaveLength(5)
  expect(Math.max(...lengths)).toBeLessThan(1_100_000)
})

test('what is asked for at once goes no further beyond a full queue than what is asked for one by one', async () => {
  const run = async ({ text, parameters }: FixedStatement): Promise<readonly RawRow[]> => {
    await new Promise((resolve) => setImmediate(resolve))
    return text.includes('count(*)') ? waiting : idsIn(parameters)
  }
  const given = { ...parts(), transaction: { run } } as unknown as EnqueueParts
  for (const keyed of [false, true]) {
    const depth = new Depth(10)
    const transaction = { run }
    const one = (at: number) =>
      enqueue(
        platform,
        depth,
        { ...given, transaction } as unknown as EnqueueParts,
        job,
        {},
        keyed ? { idempotencyKey: `key ${at}` } : {},
      )
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, (_, at) => one(at)))
    const refused = outcomes.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(90)
    expect(refused[0]).toMatchObject({ reason: { code: 'queue_full' } })
  }
})
