import { defineJob, PermissionSet, type EnqueueParts, type Platform, type RawRow } from '@plinth/core'
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
  const transaction = { run: () => Promise.resolve(answers.shift() ?? []) }
  return { transaction, scope, principal } as unknown as EnqueueParts
}
const platform = { registry: { jobs: new Map([['any', job]]) }, secrets: { sign: () => 'seal' } } as unknown as Platform
const ask = (given: EnqueueParts) => enqueue(platform, new Depth(10), given, job, {}, { idempotencyKey: 'key' })
const waiting = [{ n: 0 }]

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
